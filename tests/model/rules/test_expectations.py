"""Hundreds of messages, written by hand, with what an anti-spam team expects of each."""

import csv
import io
import re
from pathlib import Path

import pytest

from tests.model.rules.expected import HERE, write
from tests.support.model_room import model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write(tmp_path_factory.mktemp("rules"))


def test_each_expectation_written_by_hand_holds(files: tuple[Path, Path]) -> None:
    rules, cases = files
    result = model("rules", rules, "--test", cases)
    assert result.exit_code == 0, result.stderr
    [(held, all_of)] = re.findall("(\\d+) of (\\d+) expectations hold", result.stderr)
    assert held == all_of
    assert int(all_of) >= 550


def test_an_expectation_turned_round_fails_with_its_line(files: tuple[Path, Path]) -> None:
    rules, cases = files
    rows = list(csv.reader(io.StringIO((HERE / "expectations.csv").read_text(encoding="utf-8"))))
    verdict = rows[0].index("verdict")
    content = cases.read_bytes().decode("utf-8", "surrogateescape")
    reader = csv.reader(io.StringIO(content, newline=""))
    turned = io.StringIO(newline="")
    writer = csv.writer(turned, lineterminator="\n")
    for number, row in enumerate(reader):
        writer.writerow([*row[:verdict], "ham" if row[verdict] == "spam" else "spam", row[-1]] if number else row)
    other = cases.with_name("turned.csv")
    other.write_bytes(turned.getvalue().encode("utf-8", "surrogateescape"))
    result = model("rules", rules, "--test", other)
    assert result.exit_code == 1
    assert f"0 of {len(rows) - 1} expectations hold" in result.stderr
    assert f"{other}, line 2: expected spam by 'friends', and got ham by 'friends', score 0.0000" in result.stderr
