"""`producer verify`: whoever holds the files can prove them, and is told where they are wrong."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from producer.verify import Finding, verify
from tests.support.farm import Farm

RECORDS = 3000
EVERY = 97  # so often a record is broken, and rejected

Mutation = Callable[[random.Random, list[bytes]], tuple[int, int]]


@pytest.fixture(scope="module")
def scored(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scores file of a job of many batches."""
    path = tmp_path_factory.mktemp("verify") / "night.csv"
    lines = [f"{n},message {n}" if n % EVERY else f"{n},too,many" for n in range(1, RECORDS + 1)]
    path.write_text("message_id,text\n" + "\n".join(lines) + "\n")
    run = farm.producer("enqueue", path, "--wait", "--batch-bytes", 5000, "--quiet")
    assert run.code == 0, run.err
    return path.with_name("night.scores.csv")


@pytest.fixture
def copied(scored: Path, tmp_path: Path) -> Path:
    for path in scored.parent.iterdir():
        shutil.copy2(path, tmp_path)
    return tmp_path / scored.name


def record_of(row: bytes) -> int:
    return int(row.partition(b",")[0])


def drop_and_double(chance: random.Random, rows: list[bytes]) -> tuple[int, int]:
    dropped, doubled = chance.sample(range(1, len(rows)), 2)
    place = record_of(rows[dropped])
    rows[dropped] = b""
    rows[doubled] += rows[doubled]
    return place, place


def swap_scores(chance: random.Random, rows: list[bytes]) -> tuple[int, int]:
    one, two = chance.sample(range(1, len(rows)), 2)
    first, second = (rows[each].split(b",") for each in (one, two))
    if first[1] == second[1]:
        first[1] = b"0.25\n"
    rows[one], rows[two] = b",".join([first[0], second[1]]), b",".join([second[0], first[1]])
    return record_of(rows[one]), record_of(rows[one])


def flip_a_byte(chance: random.Random, rows: list[bytes]) -> tuple[int, int]:
    at = chance.randrange(1, len(rows))
    row = bytearray(rows[at])
    place = record_of(rows[at])
    row[chance.randrange(len(row))] ^= 1 << chance.randrange(8)
    rows[at] = bytes(row)
    return place, place


def cut_the_end(chance: random.Random, rows: list[bytes]) -> tuple[int, int]:
    left = chance.randrange(1, len(rows))
    place = record_of(rows[left]), record_of(rows[-1])
    del rows[left:]
    return place


def bring_rows_of_another_job(chance: random.Random, rows: list[bytes]) -> tuple[int, int]:
    number = chance.randrange(1, 50)
    first = chance.randrange(1, len(rows) - number)
    place = record_of(rows[first]), record_of(rows[first + number - 1])
    other = chance.randrange(1, RECORDS)
    rows[first : first + number] = [b"%d,0.4%d\n" % (other + n, n) for n in range(number)]
    return place


MUTATIONS: tuple[Mutation, ...] = (
    drop_and_double,
    swap_scores,
    flip_a_byte,
    cut_the_end,
    bring_rows_of_another_job,
)


def near(finding: Finding, place: tuple[int, int]) -> bool:
    first, last = finding.first_record, finding.last_record
    return first is not None and last is not None and first <= place[1] and last >= place[0]


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("with_input", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_whatever_was_altered_is_found_in_its_place(copied: Path, mutation: Mutation, with_input: bool) -> None:
    if not with_input:
        (copied.parent / "night.csv").unlink()
    whole = copied.read_bytes()
    receipt = json.loads(copied.with_name("night.scores.receipt.json").read_text())
    moved = copied.parent / "night.csv" if with_input else None
    located, tries = 0, 60
    for seed in range(tries):
        rows = whole.splitlines(keepends=True)
        place = mutation(random.Random(seed), rows)
        copied.write_bytes(b"".join(rows))
        verdict = verify(copied, input=moved)
        assert not verdict.right, f"{mutation.__name__} with the seed {seed}"
        located += any(near(finding, place) for finding in verdict.findings)
    assert located >= 0.99 * tries
    assert len(receipt["proof"]["batches"]) == 3, "or places would be no narrower than the file"


def test_what_is_untouched_is_right(copied: Path, farm: Farm) -> None:
    run = farm.producer("verify", copied)
    assert run.code == 0, run.err
    assert f"is right: {RECORDS:,} records" in run.out
    assert json.loads(farm.producer("verify", copied, "--json").out)["right"] is True


@pytest.mark.parametrize("damage", ["rejects", "receipt", "another receipt", "input"])
def test_the_other_files_are_proven_too(copied: Path, farm: Farm, tmp_path: Path, damage: str) -> None:
    receipt, words = copied.with_name("night.scores.receipt.json"), []
    if damage == "rejects":
        rejects = copied.with_name("night.scores.rejects.csv")
        rejects.write_bytes(rejects.read_bytes().replace(b"97", b"98", 1))
    elif damage == "receipt":
        receipt.write_text(receipt.read_text().replace(f'"records": {RECORDS}', f'"records": {RECORDS + 1}', 1))
    elif damage == "another receipt":
        other = tmp_path / "other.csv"
        other.write_text("message_id,text\n" + "".join(f"{n},other {n}\n" for n in range(500)))
        assert farm.producer("enqueue", other, "--wait", "--quiet").code == 0
        shutil.copy(tmp_path / "other.scores.receipt.json", receipt)
    else:
        source = copied.parent / "night.csv"
        source.write_bytes(source.read_bytes().replace(b"message 2000", b"massage 2000"))
        words = ["--input", source]
    run = farm.producer("verify", copied, *words)
    assert run.code == 1
    assert "Traceback" not in run.err
    assert damage != "another receipt" or "another job's receipt" in run.out + run.err


def test_without_a_receipt_nothing_is_proven(copied: Path, farm: Farm) -> None:
    copied.with_name("night.scores.receipt.json").unlink()
    run = farm.producer("verify", copied)
    assert (run.code, len(run.err.splitlines())) == (1, 1)
    assert "nothing proves night.scores.csv" in run.err
