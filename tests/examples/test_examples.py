"""Each example is run as its first lines say, and does what they say."""

import math
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.checkout import MESSAGES, PRODUCER
from tests.support.tables import read

Example = Callable[..., str]


def test_each_is_in_the_readme_and_run_here() -> None:
    readme, here = (ROOT / "examples" / "README.md").read_text(), Path(__file__).read_text()
    for path in (ROOT / "examples").glob("*.py"):
        assert f"[{path.name}]({path.name})" in readme
        assert f'"{path.name}"' in here


def test_a_dataframe_gets_its_scores(example: Example, tmp_path: Path) -> None:
    printed = example("dataframe.py")
    scores = {line.split()[0]: float(line.split()[-1]) for line in printed.splitlines()[1:]}
    assert scores["tess"] < 0.5 < scores["+1"]
    made = (tmp_path / "frame.csv").stat().st_mtime_ns
    assert example("dataframe.py") == printed
    assert (tmp_path / "frame.csv").stat().st_mtime_ns == made


def test_several_files_are_scored_and_one_that_fails_is_named(example: Example, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("id,text\n1,hello\n2,win a prize\n3\n")
    (tmp_path / "c.csv").write_text("id,words\n1,hello\n")
    printed = example("several_files.py", "a.csv", "c.csv", "b.csv", code=1)
    assert printed.splitlines() == ["a.csv: 2 scored, 1 rejected", "b.csv: 2 scored, 1 rejected"]
    assert [row["id"] for row in read(tmp_path / "b.scores.csv")] == ["1", "2"]
    assert (tmp_path / "a.scores.receipt.json").exists()


def test_a_jobs_scores_are_read_by_channel(example: Example, tmp_path: Path) -> None:
    shutil.copy2(MESSAGES, tmp_path)
    printed = example("read_scores.py", "messages.csv", "channel")
    counts = dict(re.findall(r"^(\w+) +(\d+) +\d+\.\d%$", printed, re.MULTILINE))
    assert sum(map(int, counts.values())) == 12_000
    assert counts.keys() == {row["channel"] for row in read(MESSAGES)}


def test_a_model_of_ones_own(example: Example, tmp_path: Path) -> None:
    printed = example("own_model.py").splitlines()
    assert printed[0].split() == ["id", "distance"]
    distances = {name: float(distance) for name, distance in map(str.split, printed[1:3])}
    assert distances == pytest.approx({"a": 10 * math.hypot(1, 2), "b": 10 * math.hypot(0.5, 3)}, rel=1e-6)
    assert printed[3].startswith("record 3, line 4: bad_value, ")
    assert len(read(tmp_path / "points.scores.csv")) == 2


def test_rejects_are_told_and_what_can_be_mended_is(example: Example, tmp_path: Path) -> None:
    (tmp_path / "night.csv").write_text(f"id,text\n1,hello\n2,{'win ' * 1000}\n3,too,many\n")
    told, mended, left = example("rejects.py", "night.csv", NIGHTSHIFT_MAX_RECORD_BYTES="1000").splitlines()
    assert told == "3 records, 2 rejected: {'record_too_large': 1, 'too_many_fields': 1}"
    assert mended == "with records of up to 16,777,216 bytes: 1 more scored"
    assert left == "line 4: too_many_fields, 3 fields, the header has 2: b'3,too,many'"
    assert [row["id"] for row in read(tmp_path / "night.scores.csv")] == ["1", "2"]


def test_a_webhook_takes_what_is_signed_and_nothing_else(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "night.csv").write_text("id,text\n1,hello\n")
    environment["NIGHTSHIFT_HOOK_SECRET"] = os.urandom(16).hex()
    command = [sys.executable, "-u", str(ROOT / "examples" / "webhook.py"), "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout
            url = receiver.stdout.readline().split()[-1]
            for headers in ({}, {"Nightshift-Signature": "t=1,v1=00"}, {"Nightshift-Signature": "é"}):
                with pytest.raises(urllib.error.HTTPError, match="401"):
                    urllib.request.urlopen(urllib.request.Request(url, b"{}", headers), timeout=20)  # noqa: S310
            run = subprocess.run(
                [PRODUCER, "enqueue", "night.csv"],
                cwd=tmp_path, env={**environment, "NIGHTSHIFT_HOOK_URL": url}, capture_output=True, text=True,
            )  # fmt: skip
            assert run.returncode == 0, run.stderr
            assert re.match(r"complete: night-\w+", receiver.stdout.readline())
        finally:
            receiver.terminate()
