"""The worker's app, but it obeys Celery's remote control: `celery -A tests.faults.remote_controlled worker`.

So a test can take the consumer of a real worker off its queues."""

from worker.celery import app

app.conf.worker_enable_remote_control = True
