"""Other people's models, with what TensorFlow itself computes of them: frozen and scored by the commands as typed.

The models are not in the repository. Where they lie beside a checkout, each is tried.
"""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, command
from tests.support.farm import Farm

CASES = ROOT.parent / "shared" / "models"
NAMES = sorted(path.parent.name for path in CASES.glob("*/case.json"))
pytestmark = pytest.mark.skipif(not NAMES, reason="other people's models are not beside this checkout")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_scores_are_tensorflows_own(farm: Farm, tmp_path: Path, name: str) -> None:
    case: dict[str, Any] = json.loads((CASES / name / "case.json").read_text(encoding="utf-8"))
    model = CASES / name / case["model"]
    if case["freeze"] is not None:
        run = command.model(tmp_path, "freeze", model, "--output", "frozen.pb", *case["freeze"])
        assert run.code == 0, run.err
        model = tmp_path / "frozen.pb"
    records = tmp_path / "input.csv"
    records.write_bytes((CASES / name / "input.csv").read_bytes())
    run = farm.producer("enqueue", records, "--model", model, "--wait", "--quiet", *case["enqueue"])
    assert run.code == 0, run.err
    expected, scores = rows(CASES / name / "expected.csv"), rows(tmp_path / "input.scores.csv")
    assert scores.keys() == expected.keys()
    for key, wanted in expected.items():
        for column, value in wanted.items():
            assert is_same(scores[key][column], value, case["tolerance"]), (key, column, scores[key][column], value)


def rows(path: Path) -> dict[str, dict[str, str]]:
    csv.field_size_limit(1 << 30)
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def is_same(text: str, wanted: str, tolerance: float) -> bool:
    """Texts and whole numbers are the same; other numbers may be rounded otherwise."""
    if text == wanted:
        return True
    try:
        value, target = float(text), float(wanted)
    except ValueError:
        return False
    if wanted.lstrip("-").isdigit() or not math.isfinite(target):
        return False
    return abs(value - target) <= tolerance * max(1.0, abs(target))
