"""A server that is there and can't serve for a while is waited for like one that is away; one that refuses us isn't."""

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from jobs.address import Address
from tests.support import Server, until
from tests.support.farm import Farm, end_farm

BUSY = """
local function now() local time = redis.call('TIME'); return time[1] + time[2] / 1e6 end
local ends = now() + 3
while now() < ends do end
"""


@pytest.fixture(scope="module")
def moody() -> Iterator[Farm]:
    """A server that may be told anything, with a port, and a worker."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    settings = {"enable_protected_configs": "yes", "busy_reply_threshold": "200", "save": "3600 1000000"}
    farm = Farm(Server(folder, **settings), folder, [])
    farm.start_worker("worker", concurrency=1).ready()
    yield farm
    end_farm(farm)


def be_a_replica(farm: Farm) -> Callable[[], object]:
    farm.server.redis.execute_command("REPLICAOF", "127.0.0.1", "1")
    return lambda: farm.server.redis.execute_command("REPLICAOF", "NO", "ONE")


def be_full(farm: Farm) -> Callable[[], object]:
    farm.server.redis.config_set("maxmemory", "1mb")
    return lambda: farm.server.redis.config_set("maxmemory", "0")


def fail_to_save(farm: Farm) -> Callable[[], object]:
    """Its disk is gone: MISCONF, to PING too."""
    server, gone = farm.server.redis, farm.folder / "gone"
    gone.mkdir()
    server.config_set("dir", str(gone))
    shutil.rmtree(gone)
    server.bgsave()
    until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", 10)  # type: ignore[index]

    def undo() -> None:
        server.config_set("stop-writes-on-bgsave-error", "no")
        server.config_set("dir", str(farm.folder))
        server.bgsave()
        until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "ok", 10)  # type: ignore[index]
        server.config_set("stop-writes-on-bgsave-error", "yes")

    return undo


def be_busy(farm: Farm) -> Callable[[], object]:
    other = redis.Redis(unix_socket_path=str(farm.server.folder / "valkey.sock"))
    thread = threading.Thread(target=lambda: other.eval(BUSY, 0))
    thread.start()
    time.sleep(0.5)
    return thread.join


MOODS = (be_a_replica, be_full, fail_to_save, be_busy)


def write(path: Path, rows: int) -> Path:
    path.write_text("message_id,text\n" + "".join(f"{n},message {n} of {path.stem}\n" for n in range(rows)))
    return path


def check(path: Path, run: "subprocess.Popen[str]", rows: int) -> str:
    _, err = run.communicate(timeout=90)
    assert run.returncode == 0, err
    lines = path.with_name(f"{path.stem}.scores.csv").read_bytes().splitlines()
    assert [line.partition(b",")[0] for line in lines[1:]] == [b"%d" % n for n in range(rows)]
    return err


@pytest.mark.parametrize("mood", [MOODS[0], *(pytest.param(mood, marks=pytest.mark.slow) for mood in MOODS[1:])])
def test_a_command_that_starts_meanwhile_waits_and_says_so_however_quiet(
    moody: Farm, tmp_path: Path, mood: Callable[[Farm], Callable[[], object]]
) -> None:
    path = write(tmp_path / f"start{mood.__name__}.csv", 2_000)
    undo = mood(moody)
    try:
        run = moody.popen("enqueue", path, "--wait", "--quiet")
        assert run.stderr
        assert "waiting for the server: " in run.stderr.readline()
        assert run.poll() is None
    finally:
        undo()
    assert "waiting for the server: " not in check(path, run, 2_000), "it is said once"


@pytest.mark.slow
@pytest.mark.parametrize("mood", MOODS)
def test_a_job_goes_on_behind_it(moody: Farm, tmp_path: Path, mood: Callable[[Farm], Callable[[], object]]) -> None:
    path = write(tmp_path / f"amid{mood.__name__}.csv", 200_000)
    run = moody.popen("enqueue", path, "--wait", "--quiet", "--batch-bytes", 20_000)
    job = ""

    def begun() -> bool:
        nonlocal job
        names = (name for name in moody.ledger.job_ids() if moody.ledger.job(name).input == str(path))
        job = next(names, "")
        return bool(job) and moody.ledger.progress(job).done >= 3

    until(begun, 30)
    undo = mood(moody)
    time.sleep(2)
    undo()
    check(path, run, 200_000)
    assert moody.ledger.progress(job).state == "complete"


def test_who_is_refused_is_told_so_at_once(moody: Farm, tmp_path: Path) -> None:
    path = write(tmp_path / "refused.csv", 10)
    socket_path = moody.server.folder / "valkey.sock"
    moody.server.redis.config_set("requirepass", "p@ss#/%")
    try:
        for before in (":wrong@", ""):
            url = f"unix://{before}{socket_path}"
            run = moody.producer("enqueue", path, "--wait", REDIS_URL=url)
            assert (run.code, len(run.err.splitlines())) == (1, 1), run.err
            assert "refuses us" in run.err
            assert "wrong" not in run.err.replace("wrong number", "")
        right = f"unix://:p%40ss%23%2F%25@{socket_path}"
        assert moody.producer("status", REDIS_URL=right).code == 0
    finally:
        moody.server.redis.config_set("requirepass", "")


@pytest.mark.slow
def test_producer_and_worker_find_the_database_of_the_url(tmp_path: Path) -> None:
    """redis-py takes the one of the query, kombu that of the path; Nightshift takes either, for both."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    farm = Farm(Server(folder, port=port), folder, [])
    try:
        for number, url in enumerate((f"redis://127.0.0.1:{port}?db=3", f"redis://127.0.0.1:{port}/4")):
            farm.start_worker(f"worker{number}", REDIS_URL=url).ready()
            path = write(tmp_path / f"db{number}.csv", 10)
            assert Address.parse(url).db == 3 + number
            check(path, farm.popen("enqueue", path, "--wait", REDIS_URL=url), 10)
        assert set(farm.server.redis.info("keyspace")) == {"db3", "db4"}
    finally:
        end_farm(farm)
