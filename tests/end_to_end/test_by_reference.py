"""Workers that reach the input read it themselves and write parts. Nobody should be able to tell from the files."""

import contextlib
import csv
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import keys
from jobs.settings import Settings
from producer.outputs.paths import rejects_path
from tests.support import Worker, until
from tests.support.farm import Farm, end_farm, make_farm
from tests.support.run import Run

RECORDS = 20_000


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of some blocks, with everything in it that is rejected, counted, or quoted."""
    path = tmp_path_factory.mktemp("odd") / "odd.csv"
    with path.open("wb") as file:
        file.write(b"message_id,text,source\n")
        for record in range(1, RECORDS + 1):
            if record % 997 == 0:
                file.write(b"%d,too few\n" % record)
            elif record % 1009 == 0:
                file.write(b'%d,"a quote " in the middle",x\n' % record)
            elif record % 499 == 0:
                file.write(b'%d,"two\r\n""lines""",x\n\n' % record)
            elif record % 1499 == 0:
                file.write(b"%d,caf\xe9,x\n" % record)
            else:
                file.write(b"%d,message %d of some length,s%d\n" % (record, record, record % 7))
        file.write(b'%d,"never closed,x\n' % (RECORDS + 1))
    return path


UTF8 = ("--encoding", "utf-8")  # as which some texts are not valid


def enqueue(farm: Farm, path: Path, output: Path, *words: object, spool: bool) -> Run:
    environment = {"NIGHTSHIFT_SPOOL": str(farm.spool)} if spool else {}
    return farm.producer("enqueue", path, "--output", output, "--again", "--json", *UTF8, *words, **environment)


@pytest.mark.parametrize("words", [(), ("--keep", "source", "--batch-bytes", "40000")], ids=["plain", "many and kept"])
def test_both_ways_make_the_same_files_and_the_same_receipt(
    farm: Farm, odd: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    outputs, receipts = [tmp_path / "served.csv", tmp_path / "read.csv"], []
    for output in outputs:
        run = enqueue(farm, odd, output, *words, spool=output.stem == "read")
        assert run.code == 0, run.err
        receipts.append(json.loads(run.out))
    for path in (lambda output: output, rejects_path):
        assert path(outputs[0]).read_bytes() == path(outputs[1]).read_bytes()
    told = ("records", "scored", "rejected", "codes", "blank_lines", "not_utf8", "rows", "batches")
    assert [receipts[0][name] for name in told[:-1]] == [receipts[1][name] for name in told[:-1]]
    if words:
        assert receipts[0]["batches"] == receipts[1]["batches"] > 10
    assert min(receipts[0]["blank_lines"], receipts[0]["not_utf8"], *receipts[0]["codes"].values()) > 0
    assert [*receipts[0]["codes"]] == ["bad_quoting", "too_few_fields", "unclosed_quote"]
    assert list(farm.spool.iterdir()) == []
    for output in outputs:
        assert farm.producer("verify", output).code == 0


def test_before_it_is_collected_rejects_and_a_report_are_those_of_the_other_way(
    farm: Farm, odd: Path, tmp_path: Path
) -> None:
    """They are read from parts, and from the server."""
    told = []
    for spool in (True, False):
        environment = {"NIGHTSHIFT_SPOOL": str(farm.spool)} if spool else {}
        job = json.loads(farm.producer("enqueue", odd, "--again", "--json", **environment).out)["job"]
        until(lambda job=job: farm.ledger.progress(job).state == "complete", 60)  # type: ignore[misc]
        run = farm.producer("rejects", job, **environment)
        assert run.code == 0, run.err
        told.append(run.out)
        if spool:
            assert len(list(farm.spool.glob("*.part"))) == farm.ledger.progress(job).batches
            assert farm.producer("rejects", job).code == 1, "who does not know the spool says so"
        farm.producer("forget", job, **environment)
    assert told[0] == told[1]
    assert list(farm.spool.iterdir()) == [], "forgotten with the job"


@pytest.mark.parametrize(
    "harm", ["altered", "gone", *(pytest.param(each, marks=pytest.mark.slow) for each in ("cut", "a link"))]
)
def test_a_part_that_is_not_as_its_worker_wrote_it_is_scored_again(
    farm: Farm, odd: Path, tmp_path: Path, harm: str
) -> None:
    environment = {"NIGHTSHIFT_SPOOL": str(farm.spool)}
    words = "enqueue", odd, "--batch-bytes", "200000", *UTF8
    job = json.loads(farm.producer(*words, "--again", "--json", **environment).out)["job"]
    until(lambda: farm.ledger.progress(job).state == "complete", 60)
    part = sorted(farm.spool.glob("*.part"))[2]
    content = part.read_bytes()
    part.unlink()
    if harm == "altered":
        part.write_bytes(content.replace(b"0.", b"1.", 1))
    elif harm == "cut":
        part.write_bytes(content[:-1])
    elif harm == "a link":
        (tmp_path / "elsewhere").write_bytes(content)
        part.symlink_to(tmp_path / "elsewhere")
    run = farm.producer("collect", job, "--output", tmp_path / "out.csv", **environment)
    assert run.code == 0, run.err
    assert "is scored again" in run.err
    assert enqueue(farm, odd, tmp_path / "served.csv", spool=False).code == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "served.csv").read_bytes()
    assert list(farm.spool.iterdir()) == []


# -- a root that some hosts share


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A server with a worker that was told of a root, and one that was not."""
    farm = make_farm()
    farm.start_worker("told", NIGHTSHIFT_DATA=f"/nowhere,{tmp_path_factory.mktemp('root')}")
    farm.start_worker("untold")
    for worker in farm.workers:
        worker.ready()
    yield farm
    end_farm(farm)


@pytest.fixture
def shared(hosts: Farm) -> Path:
    """The root, empty."""
    environment = Path(f"/proc/{hosts.workers[0].process.pid}/environ").read_bytes().split(b"\0")
    [roots] = [value for value in environment if value.startswith(b"NIGHTSHIFT_DATA=")]
    root = Path(os.fsdecode(roots).rpartition(",")[2])
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    return root


@contextlib.contextmanager
def asleep(worker: Worker) -> Iterator[None]:
    """The worker does nothing meanwhile."""
    os.killpg(worker.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(worker.process.pid, signal.SIGCONT)


def table(path: Path, rows: int = RECORDS, word: str = "message") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("message_id", "text"))
        writer.writerows((record, f"{word} {record} of some length") for record in range(rows))
    return path


def test_below_a_root_those_read_who_were_told_of_it(hosts: Farm, shared: Path, tmp_path: Path) -> None:
    """A host without the disk must not slow them down, and takes what goes through the server."""
    environment = {"NIGHTSHIFT_DATA": str(shared)}
    path, elsewhere = table(shared / "night.csv"), table(tmp_path / "night.csv")
    words = "--batch-bytes", "40000", "--quiet"
    for given, output in ((path, shared / "out.csv"), (elsewhere, tmp_path / "out.csv")):
        run = hosts.producer("enqueue", given, "--output", output, *words, **environment)
        assert run.code == 0, run.err
    assert (shared / "out.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    assert list((shared / ".nightshift").iterdir()) == []
    by_reference, served = hosts.ledger.job_ids()[-2:]
    workers = {finish.work.worker for finish in hosts.ledger.timeline(by_reference)}
    assert {int(name.rpartition(":")[2]) for name in workers} <= {*children(hosts, "told")}
    assert len({finish.work.worker for finish in hosts.ledger.timeline(served)}) == 2
    assert hosts.producer("status", by_reference, **environment).out.count("workers read the input themselves") == 1


def children(farm: Farm, name: str) -> list[int]:
    [worker] = [each for each in farm.workers if each.log.stem == name]
    text = Path(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children").read_text()
    return [int(pid) for pid in text.split()]


def test_a_root_that_disappears_is_waited_for(hosts: Farm, shared: Path) -> None:
    """Nothing is lost, no attempt is used up, and the job says what it waits for."""
    environment = {"NIGHTSHIFT_DATA": str(shared)}
    path = table(shared / "night.csv")
    words = "enqueue", path, "--batch-bytes", "40000", "--json"
    with asleep(hosts.workers[0]):
        job = json.loads(hosts.producer(*words, **environment).out)["job"]
        away = shared.rename(shared.with_name("away"))
    until(lambda: hosts.ledger.progress(job).left is not None, 30)
    progress = hosts.ledger.progress(job)
    assert progress.left
    assert f"{path}: No such file or directory" in progress.left
    assert (progress.state, progress.done) == ("running", 0)
    away.rename(shared)
    run = hosts.producer(*words, "--output", shared / "out.csv", **environment)
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert receipt["attempts"] == receipt["batches"], "what is left to others is no attempt"
    assert list((shared / ".nightshift").iterdir()) == []


@pytest.mark.parametrize("harm", ["replaced", pytest.param("cut", marks=pytest.mark.slow), "edited"])
def test_an_input_that_is_another_file_ends_the_job_with_the_reason(hosts: Farm, shared: Path, harm: str) -> None:
    environment = {"NIGHTSHIFT_DATA": str(shared)}
    path = table(shared / "night.csv")
    with asleep(hosts.workers[0]):
        job = json.loads(hosts.producer("enqueue", path, "--batch-bytes", "40000", "--json", **environment).out)["job"]
        if harm == "replaced":
            table(shared / "other.csv", word="massage").replace(path)
        elif harm == "cut":
            os.truncate(path, path.stat().st_size // 2)
        else:
            status = path.stat()
            path.write_bytes(path.read_bytes().replace(b"message 7 ", b"massage 7 "))
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # nobody could tell by that
    until(lambda: hosts.ledger.progress(job).state == "failed", 60)
    run = hosts.producer("collect", job, "--output", shared / "out.csv", **environment)
    assert (run.code, (shared / "out.csv").exists()) == (1, False)
    assert f"{path}: the file" in run.err.splitlines()[-1]


def test_whatever_the_server_says_no_file_outside_the_roots_is_read(hosts: Farm, shared: Path, tmp_path: Path) -> None:
    """Who has the server has not the workers' disks."""
    environment = {"NIGHTSHIFT_DATA": str(shared)}
    path, secret = table(shared / "night.csv"), table(tmp_path / "secret.csv")
    with asleep(hosts.workers[0]):
        job = json.loads(hosts.producer("enqueue", path, "--batch-bytes", "40000", "--json", **environment).out)["job"]
        path.unlink()
        path.symlink_to(secret)
    until(lambda: hosts.ledger.progress(job).left is not None, 30)
    progress = hosts.ledger.progress(job)
    assert progress.left
    assert "may not be read here" in progress.left
    assert progress.done == 0
    assert hosts.producer("cancel", job).code == 0


def test_a_job_that_no_worker_can_reach_says_so(hosts: Farm, shared: Path) -> None:
    path = table(shared / "night.csv")
    other = shared / "deeper"
    other.mkdir()
    process = hosts.popen(
        "enqueue", shutil.copy(path, other / "night.csv"), "--wait", NIGHTSHIFT_DATA=str(other), NIGHTSHIFT_WINDOW="2"
    )
    try:
        said = ""
        assert process.stderr
        while "NIGHTSHIFT_DATA" not in said:
            said = process.stderr.readline()
            assert said, "it ended"
        assert "no worker can read" in said
    finally:
        process.kill()
        process.communicate()
    assert hosts.ledger.redis.llen(keys.SECOND.queue) == 0


@pytest.mark.parametrize("roots", ["shared", "/srv/../etc", "gopher://mail", "s3://key:secret@mail"])
def test_roots_that_are_none_are_refused(roots: str) -> None:
    from jobs.errors import SettingsError

    with pytest.raises(SettingsError, match="NIGHTSHIFT_DATA"):
        Settings.from_environment({"NIGHTSHIFT_DATA": roots})
