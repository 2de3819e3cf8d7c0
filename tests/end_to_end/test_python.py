"""The Python API: in a `with` block, again and again in one process, in a thread, in a notebook's event loop."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.farm import Farm

FILES = "len(os.listdir('/dev/fd')), threading.active_count()"


def python(folder: Path, code: str, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    run = subprocess.run(
        [sys.executable, "-c", "import gc, os, threading, producer\n" + code],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"message_id,text\n1,hello {name}\n2,WIN a FREE prize\n")
    return tmp_path


@pytest.mark.parametrize(
    "form", ["with", *(pytest.param(form, marks=pytest.mark.slow) for form in ("close", "nothing"))]
)
def test_thirty_jobs_in_one_process_leave_nothing_open(farm: Farm, folder: Path, form: str) -> None:
    code = f"""
jobs = []
def one():
    job = producer.enqueue("a.csv", again=True)
    job.wait("a.scores.csv")
    assert len(job.scores()) == 2
    jobs.append(job.id)
    return job
def run(form):
    if form == "with":
        with one() as job:
            assert len(producer.attach(job.id).scores()) == 2
    elif form == "close":
        one().close()
    else:
        one()
run({form!r})
gc.collect()
before = {FILES}
for _ in range(30):
    run({form!r})
gc.collect()  # a job may be part of a circle
assert ({FILES}) == before, (before, {FILES})
for job in jobs:
    producer.attach(job).forget()
"""
    python(folder, code, REDIS_URL=farm.server.url)


def test_a_closed_job_says_so_and_is_opened_again_by_its_id(farm: Farm, folder: Path) -> None:
    code = """
with producer.enqueue("a.csv") as job:
    job.wait()
job.close()
try:
    job.receipt
except Exception as error:
    print(type(error).__name__, error)
print(producer.attach(job.id).receipt.scored)
"""
    first, second = python(folder, code, REDIS_URL=farm.server.url).splitlines()
    assert first.startswith("JobError a-")
    assert "producer.attach('a-" in first
    assert second == "2"


def test_a_notebook_enqueues_in_threads_and_in_a_running_event_loop(farm: Farm, folder: Path) -> None:
    code = """
import asyncio
from concurrent.futures import ThreadPoolExecutor
from producer import enqueue

def score(name):
    with enqueue(name, again=True) as job:
        return job.wait().scored

async def main():
    return [score("a.csv"), *await asyncio.gather(*(asyncio.to_thread(score, name) for name in ("a.csv", "b.csv")))]

print(asyncio.run(main()))
with ThreadPoolExecutor(2) as pool:
    print(list(pool.map(score, ["a.csv", "b.csv"])))
"""
    assert python(folder, code, REDIS_URL=farm.server.url).splitlines() == ["[2, 2, 2]", "[2, 2]"]


@pytest.mark.slow
def test_the_embedded_server_stays_for_the_next_job_unless_it_is_closed(folder: Path) -> None:
    """A script may drop what `enqueue` returns: the workers score on. A second job finds them warm."""
    code = f"""
import time, producer.server.embedded

def alive():
    return not producer.server.embedded.try_lock(open(".nightshift/worker.keeper", "ab"), 1)

first = producer.enqueue("a.csv", workers=1).id
assert alive()
with producer.attach(first) as job:
    assert job.wait().scored == 2
assert alive(), "the first one's workers are still there"
began = time.monotonic()
job = producer.enqueue("b.csv", workers=1)
job.wait()
warm = time.monotonic() - began
for number in range(7):
    job = producer.enqueue("b.csv", again=True, workers=1)
    job.wait()
    gc.collect()
    if number == 2:
        before = {FILES}
assert ({FILES}) == before, (before, {FILES})
print(warm < 3)
job.close()
"""
    assert python(folder, code).splitlines() == ["True"]
