"""Nasty files, each scored by real workers: the receipt, the exit code and the ids are those that are expected."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import producer
from formats.errors import NightshiftError
from tests.support.checkout import PRODUCER
from tests.support.farm import Farm
from tests.support.nasty import NASTY, Nasty

MEMORY_MIB = 200  # of a producer, whatever its input


@pytest.fixture
def here(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process is a producer of the farm."""
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    monkeypatch.setenv("NIGHTSHIFT_SPOOL", str(farm.spool))
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    return tmp_path


def put(folder: Path, nasty: Nasty) -> Path:
    path = folder / "in" / nasty.name
    path.parent.mkdir()
    path.write_bytes(nasty.content)
    return path


def check_one_line(text: str, path: Path, error: str) -> None:
    assert error in text
    assert text.isprintable(), repr(text)
    assert len(text) < 1500
    assert str(path) in text or "--" in text or "named" in text


def ids_of(output: Path, nasty: Nasty) -> list[str]:
    with output.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))[1:]
    assert all(0 <= float(row[1]) <= 1 for row in rows)
    return [row[0] for row in rows]


@pytest.mark.parametrize("nasty", NASTY, ids=[each.name for each in NASTY])
def test_its_receipt_is_the_one_that_is_expected(here: Path, nasty: Nasty) -> None:
    path, output = put(here, nasty), here / "out.csv"
    if nasty.error:
        with pytest.raises(NightshiftError) as refused:
            producer.enqueue(path, dialect=nasty.said)
        check_one_line(str(refused.value), path, nasty.error)
        assert not [each for each in (here / "home").rglob("*") if "partial" in each.name]
        return
    with producer.enqueue(path, dialect=nasty.said, again=True) as job:
        receipt = job.wait(output)
    assert (receipt.records, receipt.scored, receipt.rejected) == (
        nasty.records, len(nasty.scored), nasty.records - len(nasty.scored),
    )  # fmt: skip
    assert (receipt.codes, receipt.blank_lines, receipt.not_utf8) == (
        dict(nasty.codes), nasty.blank_lines, nasty.not_utf8,
    )  # fmt: skip
    assert ids_of(output, nasty) == list(nasty.scored)
    assert receipt.agrees


def options(nasty: Nasty) -> list[str]:
    """As they are typed."""
    words = []
    for name, value in nasty.said.items():
        words += [f"--{name.replace('_', '-')}", ",".join(value) if isinstance(value, tuple) else str(value)]
    return words


def measured(farm: Farm, words: Sequence[object], **environment: str) -> tuple[int, str, str, float]:
    """The command's exit code, what it printed, and the most memory that it had, in MiB."""
    code = "import os, subprocess, sys\np = subprocess.Popen(sys.argv[1:])\n_, status, used = os.wait4(p.pid, 0)\n"
    code += "print(used.ru_maxrss, file=sys.stderr)\nsys.exit(os.waitstatus_to_exitcode(status))"
    run = subprocess.run(
        [sys.executable, "-c", code, PRODUCER, *map(str, words)],
        env={**os.environ, "REDIS_URL": farm.server.url, **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )
    *lines, used = run.stderr.splitlines()
    return run.returncode, run.stdout, "\n".join(lines), int(used) / (1 << 10 if sys.platform == "linux" else 1 << 20)


SOME = ("gzip.csv.gz", "rejects alone.csv", "a bomb.csv.gz", "two delimiters.csv")


@pytest.mark.parametrize(
    "nasty",
    [pytest.param(each, id=each.name, marks=[pytest.mark.slow] * (each.name not in SOME)) for each in NASTY],
)
@pytest.mark.parametrize("spool", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_command_says_the_same_in_little_memory(farm: Farm, tmp_path: Path, nasty: Nasty, spool: bool) -> None:
    path, output = put(tmp_path, nasty), tmp_path / "out.csv"
    said = {"NIGHTSHIFT_HOME": str(tmp_path / "home"), **({"NIGHTSHIFT_SPOOL": str(farm.spool)} if spool else {})}
    words = ("enqueue", path, "--output", output, "--json", "--quiet", "--again", *options(nasty))
    code, out, err, mib = measured(farm, words, **said)
    assert code == nasty.exit_code, err
    assert mib < MEMORY_MIB
    if nasty.error:
        assert err.startswith("producer: ")
        check_one_line(err.removeprefix("producer: "), path, nasty.error)
        return
    receipt = json.loads(out)
    assert (receipt["records"], receipt["scored"], receipt["codes"]) == (
        nasty.records, len(nasty.scored), dict(nasty.codes),
    )  # fmt: skip
    assert ids_of(output, nasty) == list(nasty.scored)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("packed", [False, True])
def test_a_line_of_a_gigabyte(farm: Farm, tmp_path: Path, packed: bool) -> None:
    """A hole in a file, so that it takes no room; packed, it is a bomb."""
    path, output = tmp_path / "line.csv", tmp_path / "out.csv"
    with path.open("wb") as file:
        file.write(b"id,text\n1,a\n2,")
        file.seek(1 << 30, os.SEEK_CUR)
        file.write(b"\n3,c\n")
    if packed:
        with path.open("rb") as file, (tmp_path / "line.csv.gz").open("wb") as target:
            subprocess.run(["gzip", "-1"], stdin=file, stdout=target, check=True)
        path = tmp_path / "line.csv.gz"
    words = ("enqueue", path, "--output", output, "--json", "--quiet")
    code, out, err, mib = measured(farm, words, NIGHTSHIFT_HOME=str(tmp_path / "home"))
    assert mib < MEMORY_MIB
    if packed:
        assert code == 1
        assert "a decompression bomb, 64 MiB without a line end" in err
        return
    assert code == 0, err
    assert json.loads(out)["codes"] == {"record_too_large": 1}
    assert [line.partition(",")[0] for line in output.read_text().splitlines()] == ["id", "1", "3"]
