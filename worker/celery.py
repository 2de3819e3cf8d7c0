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

try:
    from worker.app import app  # it imports TensorFlow, which has things to say
except SettingsError as error:
    sys.exit(f"worker: {error}")

__all__ = ["app"]
