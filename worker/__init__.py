"""The worker room: the Celery app and its one task, `celery -A worker worker --concurrency N`."""

import sys

import nightshift_start

if line := nightshift_start.in_the_way("model", "jobs"):
    sys.exit(f"worker: {line}")

from model import environment
from worker import logs

environment.prepare()
logs.begin()

from worker.app import app  # noqa: E402 -- it imports TensorFlow, which has things to say

__all__ = ["app"]
