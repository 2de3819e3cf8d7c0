"""The Celery app and its one task."""

import sys
from typing import Any

import redis
from celery import Celery, signals

from jobs import rights
from jobs.address import Address
from jobs.errors import ServerError
from jobs.footprint import freeze_what_is_there, keep_freed_memory, without_pandas
from jobs.places import name_of
from jobs.queue import TASK
from jobs.record import Life
from jobs.server import client
from jobs.settings import Settings
from worker.cage.cage import Cage
from worker.cage.choice import choose_cage
from worker.process import WorkerProcess
from worker.upkeep import logs
from worker.upkeep.broker import make_app


def check_rights(url: str) -> None:
    """Ends the process if the server's user may not do what a worker does. One that is away is waited for later."""
    try:
        with client(Address.parse(url), socket_timeout=5, socket_connect_timeout=5) as server:
            rights.check(server, "worker")
    except ServerError as error:
        sys.exit(f"worker: {error}")
    except redis.RedisError:
        pass


def make_worker(settings: Settings) -> Celery:
    """The app of a worker with these settings. Raises SettingsError for a REDIS_URL that is none.

    The parent imports TensorFlow before it forks; each child opens its own session on its first batch.
    """
    app = make_app(settings.redis_url, map(name_of, settings.data))
    logs.set_up(app)
    process = WorkerProcess(settings)
    cage: Cage | None = None

    @app.task(name=TASK)
    def score_batch(job_id: str, batch: int, incarnation: str = "") -> None:
        """Scores one batch. Safe to deliver any number of times."""
        try:
            process.score_batch(Life(job_id, incarnation), batch)
        except MemoryError as error:  # for Celery that is the end of the whole worker
            raise RuntimeError(f"out of memory: {error}") from None

    @signals.worker_init.connect(weak=False)
    def begin(**_: Any) -> None:
        if not settings.redis_url:
            sys.exit("REDIS_URL is not set: a worker needs the server that the producer enqueues to")
        check_rights(settings.redis_url)
        without_pandas()
        keep_freed_memory()
        freeze_what_is_there()

    @signals.celeryd_after_setup.connect(weak=False)
    def choose(instance: Any, **_: Any) -> None:
        nonlocal cage
        cage = choose_cage(settings, forks=instance.pool_cls.__module__ == "celery.concurrency.prefork")

    @signals.worker_process_init.connect(weak=False)
    def begin_child(**_: Any) -> None:
        process.begin_child(cage)

    @signals.worker_ready.connect(weak=False)
    def ready(sender: Any, **_: Any) -> None:
        process.begin_housekeeping(sender.controller.concurrency)

    @signals.worker_shutting_down.connect(weak=False)
    def shutting_down(**_: Any) -> None:
        process.end_housekeeping()

    return app
