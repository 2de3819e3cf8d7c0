"""The first N records alone: what a look at a large file costs no more than."""

import json
from pathlib import Path

import pytest

from tests.support.farm import Farm
from tests.support.tables import read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n" + "".join(f"{n},message {n}\n" if n % 7 else f"{n}\n" for n in range(1, 5001)))
    return path


@pytest.mark.parametrize("spool", [True, False], ids=["by reference", "through the server"])
@pytest.mark.parametrize("limit", [1, 7, 1023, 1500, 4999, 5000, 9999])
def test_the_first_records_are_scored_as_if_there_were_no_others(
    farm: Farm, tmp_path: Path, path: Path, limit: int, spool: bool
) -> None:
    environment = {"NIGHTSHIFT_SPOOL": str(farm.spool)} if spool else {}
    words = "--output", tmp_path / "first.csv", "--limit", limit, "--json", "--batch-bytes", 9000
    run = farm.producer("enqueue", path, *words, **environment)
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    seen = min(limit, 5000)
    assert (receipt["records"], receipt["scored"], receipt["rejected"]) == (seen, seen - seen // 7, seen // 7)
    scores = read(tmp_path / "first.csv")
    assert [row["id"] for row in scores] == [str(n) for n in range(1, seen + 1) if n % 7]
    assert [row["record"] for row in read(tmp_path / "first.rejects.csv")] == [str(n) for n in range(7, seen + 1, 7)]
    verdict = farm.producer("verify", tmp_path / "first.csv", "--json")
    assert (verdict.code, json.loads(verdict.out)["notes"]) == (0, [])


def test_another_limit_is_another_job(farm: Farm, tmp_path: Path, path: Path) -> None:
    out = tmp_path / "out.csv"
    for limit in (10, 20, 10):
        run = farm.producer("enqueue", path, "--output", out, "--limit", limit)
        assert run.code == 0, run.err
        assert len(read(out)) == limit - limit // 7
    assert farm.producer("enqueue", path, "--output", out, "--limit", 0).code == 2
