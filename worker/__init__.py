"""The worker room. `celery -A worker worker --concurrency N` finds the app in worker/celery.py."""
