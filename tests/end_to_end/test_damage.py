"""What a disk did to the server's memory of a job never makes a wrong file, and never keeps its name for ever."""

from pathlib import Path

import pytest

from jobs import keys
from tests.support.farm import Farm

TEXT = "message_id,text\n" + "".join(f"{n},message {n}\n" for n in range(1, 1501)) + "broken\n"
# The field of a job's hash, or the hash beside it and its field, and what to put for what.
DAMAGES = {
    "state": ("", "state", b"complete", b"complfte"),
    "record": ("", "record", b'"feeds": [', b'"feeds": {'),
    "record's input": ("", "record", b"message.csv", b"massage.csv"),
    "cursor": ("", "cursor", b'"line":', b'"line":1'),
    "count of records": ("", "records", b"1501", b"1503"),
    "count of scored": ("", "scored", b"1500", b"5500"),
    "reason": ("", "code:too_few_fields", b"1", b"3"),
    "header's digest": (":written", "header", b" ", b" f"),
    "first record": (":sent", "0", b"1 ", b"2 "),
    "answer": (":answered", "0", b"1500", b"1499"),
}


@pytest.fixture(scope="module")
def right(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("right") / "message.csv"
    path.write_text(TEXT)
    assert farm.producer("enqueue", path, "--wait", "--quiet").code == 0
    return path.with_name("message.scores.csv").read_bytes()


@pytest.mark.parametrize(
    ("damage", "collected"),
    [
        pytest.param(name, collected, marks=[] if number == 2 * collected else pytest.mark.slow)
        for number, name in enumerate(DAMAGES)
        for collected in (True, False)
    ],
)
def test_a_damaged_job_is_right_or_refused_and_can_be_forgotten(
    farm: Farm, tmp_path: Path, right: bytes, damage: str, collected: bool
) -> None:
    path, output = tmp_path / "message.csv", tmp_path / "message.scores.csv"
    path.write_text(TEXT)
    assert farm.producer("enqueue", path, "--wait", "--quiet").code == 0
    [job] = [job for job in farm.ledger.job_ids() if farm.ledger.job(job).input == str(path)]
    if not collected:
        for file in tmp_path.glob("message.scores.*"):
            file.unlink()
    suffix, field, old, new = DAMAGES[damage]
    value = farm.server.redis.hget(keys.job(job) + suffix, field)
    assert isinstance(value, bytes)
    assert old in value, value
    farm.server.redis.hset(keys.job(job) + suffix, field, value.replace(old, new, 1))
    try:
        assert farm.producer("status").code == 0, "of the other jobs"
        first = farm.producer("enqueue", path, "--wait", "--quiet")
        assert "Traceback" not in first.err
        if first.code:
            [line] = first.err.splitlines()
            assert (first.code, line.startswith(f"producer: {job}: ")) == (1, True), line
            assert job in farm.producer("status").err, "it says which is damaged"
            assert farm.producer("forget", job).code == 0
            assert farm.producer("enqueue", path, "--wait", "--quiet").code == 0
        assert output.read_bytes() == right
        assert farm.producer("verify", output).code == 0
    finally:
        farm.ledger.removal.wipe(job)
    assert farm.server.redis.keys(f"{keys.job(job)}*") == []


def test_forget_of_a_damaged_job_leaves_its_neighbours(farm: Farm, tmp_path: Path) -> None:
    """Names that begin alike, and signs that mean something to a pattern."""
    ledger = farm.ledger
    others = ["mended-0[1]", "mended-0123-4", "mended-01"]
    for other in (*others, "mended-012"):
        ledger.redis.hset(keys.job(other), "state", "running")
        ledger.redis.set(f"{keys.job(other)}:0123:payload:0", b"")
        ledger.redis.zadd(keys.SECOND.jobs, {other: 1.0})
        ledger.redis.sadd(keys.SECOND.active, f"{other}:0123")
    try:
        ledger.removal.wipe("mended-012")
        assert not ledger.redis.keys(f"{keys.job('mended-012')}:*")
        assert set(ledger.job_ids()) & {*others, "mended-012"} == set(others)
        running = {name.decode().partition(":")[0] for name in ledger.redis.smembers(keys.SECOND.active)}
        assert running >= set(others)
    finally:
        for other in others:
            ledger.removal.wipe(other)
    assert not ledger.redis.keys(f"{keys.job('mended-')}*")
