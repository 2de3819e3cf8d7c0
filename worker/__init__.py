"""The worker room: the Celery app and its one task, `celery -A worker worker --concurrency N`."""

from model import environment
from worker import logs

environment.prepare()
logs.begin()

from worker.app import app  # noqa: E402 -- it imports TensorFlow, which has things to say

__all__ = ["app"]
