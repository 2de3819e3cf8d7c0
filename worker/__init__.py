"""The worker room: the Celery app and its one task, `celery -A worker worker --concurrency N`."""

from worker.app import app

__all__ = ["app"]
