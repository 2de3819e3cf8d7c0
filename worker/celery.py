"""Where Celery looks for the app: `celery -A worker worker --concurrency N`."""

import sys

import nightshift_start

if line := nightshift_start.in_the_way("model", "jobs", "formats", "graphs"):
    sys.exit(f"worker: {line}")

from model import environment
from worker.upkeep import logs

environment.prepare()
logs.begin()

from jobs.errors import SettingsError  # noqa: E402
from jobs.footprint import without_collecting  # noqa: E402
from jobs.settings import Settings  # noqa: E402

try:
    with without_collecting():
        from worker.app import make_worker  # it imports TensorFlow, which has things to say

    app = make_worker(Settings.from_environment())
except SettingsError as error:
    sys.exit(f"worker: {error}")

__all__ = ["app"]
