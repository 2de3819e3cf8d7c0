"""Poison: records on which the graph raises, hangs, or takes its process down. Each costs its own row and no other."""

import csv
import json
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.identity import Owner
from tests.faults.processes import processes
from tests.support import until
from tests.support.farm import Farm, end_farm, make_farm
from tests.support.poison import KILLING, POISON, RAISING, dawdles, freeze, plods
from tests.support.run import Run
from tests.support.tables import read

SECONDS = 1.5  # what a batch may take here


@pytest.fixture(scope="module")
def ward() -> Iterator[Farm]:
    """A server and two worker processes with little patience and 16 GB of addresses each."""
    farm = make_farm()
    worker = farm.start_worker("worker", concurrency=2, NIGHTSHIFT_BATCH_SECONDS=str(SECONDS)).ready()
    for pid in processes(worker):
        resource.prlimit(pid, resource.RLIMIT_AS, (16 << 30, 16 << 30))
    yield farm
    end_farm(farm)


def administer(farm: Farm, folder: Path, model: Path, rows: int, poisonous: list[int], *words: object) -> Run:
    """Scores a file with poison in those records, and checks everything that can be told from outside."""
    numbers = range(1, rows + 1)
    values = [POISON if number in poisonous else number + 1000 for number in numbers]
    path = folder / "input.csv"
    path.write_text("id,x\n" + "".join(f"m{number},{x}\n" for number, x in zip(numbers, values, strict=True)))
    run = farm.producer("enqueue", path, "--model", model, "--fetch", "score", "--wait", "--json", *words, timeout=170)
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert (receipt["records"], receipt["scored"], receipt["rejected"]) == (rows, rows - len(poisonous), len(poisonous))
    assert receipt["agrees"]
    with (folder / "input.scores.csv").open(newline="") as lines:
        scores = list(csv.reader(lines))[1:]
    assert [row[0] for row in scores] == [f"m{number}" for number in numbers if number not in poisonous]
    assert [float(row[1]) for row in scores] == [2 * x for x in values if x != POISON]
    rejects = read(folder / "input.scores.rejects.csv")
    assert [(int(row["record"]), int(row["line"]), row["raw"]) for row in rejects] == [
        (number, number + 1, f"m{number},{POISON}") for number in poisonous
    ]
    return run


def check_rejects(folder: Path, code: str, detail: str) -> None:
    rejects = read(folder / "input.scores.rejects.csv")
    assert {row["code"] for row in rejects} == {code}
    assert all(detail in row["detail"] for row in rejects), rejects


def test_a_slow_model_is_not_taken_for_one_that_hangs(ward: Farm, tmp_path: Path) -> None:
    run = administer(ward, tmp_path, freeze(tmp_path / "slow.pb", plods), 7_000, [], "--batch-bytes", 1_000_000)
    receipt = json.loads(run.out)
    assert receipt["scoring_seconds"] > 1.5 * SECONDS
    assert (receipt["batches"], receipt["attempts"]) == (1, 1), "each of its micro-batches was scored in time"


@pytest.mark.parametrize("kind", ["divides", "reads numbers"])
def test_records_on_which_the_graph_raises_are_rejected_with_its_message(ward: Farm, tmp_path: Path, kind: str) -> None:
    poison, code, detail = RAISING[kind]
    run = administer(ward, tmp_path, freeze(tmp_path / "poison.pb", poison), 3_000, [1, 1_500, 3_000])
    check_rejects(tmp_path, code, detail)
    assert json.loads(run.out)["attempts"] == 1


@pytest.mark.parametrize(
    ("kind", "records", "attempts", "deaths"),
    [("aborts", [1_498, 1_499, 1_500], 3, 5), pytest.param("hangs", [1_500], 2, 3, marks=pytest.mark.slow)],
)
def test_records_that_kill_or_hang_their_process_are_found(
    ward: Farm, tmp_path: Path, kind: str, records: list[int], attempts: int, deaths: int
) -> None:
    poison, code, detail = KILLING[kind]
    run = administer(ward, tmp_path, freeze(tmp_path / "poison.pb", poison), 3_000, records)
    check_rejects(tmp_path, code, detail)
    receipt = json.loads(run.out)
    assert receipt["attempts"] == attempts, "a process that died may be an accident, one that hung was the model"
    assert f"{receipt['job']}: batch 0 is scored, at the cost of {deaths} processes" in ward.workers[0].text()


@pytest.mark.slow
@pytest.mark.parametrize("kind", {**RAISING, **KILLING})
def test_three_records_of_100_000_cost_three_rows(ward: Farm, tmp_path: Path, kind: str) -> None:
    poison, code, detail = {**RAISING, **KILLING}[kind]
    model = freeze(tmp_path / "poison.pb", poison)
    begun = time.monotonic()
    run = administer(ward, tmp_path, model, 100_000, [17, 50_000, 99_999], "--batch-bytes", 300_000)
    check_rejects(tmp_path, code, detail)
    receipt = json.loads(run.out)
    assert receipt["attempts"] == receipt["batches"] + {"hangs": 3, "aborts": 6, "hoards": 6}.get(kind, 0)
    print(f"{kind}: {time.monotonic() - begun:.1f} s, {receipt['batches']} batches")


def scoring(farm: Farm) -> list[int]:
    """The processes that hold a batch now, at least one."""
    owners: list[str] = []

    def somebody() -> bool:
        owners[:] = [owner for life in farm.ledger.active() for owner in farm.ledger.owners(life.id).values()]
        return bool(owners)

    until(somebody, 30)
    return [Owner.parse(owner).process.pid for owner in owners]


@pytest.mark.slow
def test_an_innocent_batch_whose_processes_died_is_scored_the_same(tmp_path: Path) -> None:
    """Two kills from outside, and it is isolated. The lease is an hour: nobody waits for it to run out."""
    farm = make_farm()
    try:
        worker = farm.start_worker("worker", NIGHTSHIFT_LEASE_SECONDS="3600").ready()
        model = freeze(tmp_path / "slow.pb", dawdles)
        outputs = []
        for kills in (0, 2):
            path = tmp_path / f"input{kills}.csv"
            path.write_text("id,x\n" + "".join(f"{number},{number}\n" for number in range(1, 3_001)))
            process = farm.popen("enqueue", path, "--model", model, "--fetch", "score", "--wait", "--json")
            for _ in range(kills):
                [killed] = scoring(farm)
                os.kill(killed, signal.SIGKILL)
                since = time.monotonic()
                until(lambda killed=killed: scoring(farm) not in ([], [killed]), 10)  # type: ignore[misc]
                print(f"scored again after {time.monotonic() - since:.1f} s")
            out, err = process.communicate(timeout=90)
            assert process.returncode == 0, err
            assert json.loads(out)["attempts"] == 1 + kills
            outputs.append(path.with_name(f"input{kills}.scores.csv").read_bytes())
        assert "at the cost of 0 processes" in worker.text()
        assert outputs[0] == outputs[1]
    finally:
        end_farm(farm)
