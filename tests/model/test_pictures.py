"""The pictures: drawn for any scores, readable on any page, and the same bytes each time."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread

from model.errors import ModelError
from model.quality import pictures
from tests.model.conftest import ROOT
from tests.support.model_room import complaint

NAMES = ["roc", "precision_recall", "scores", "calibration"]
LABELS = np.arange(40) % 3 == 0
OVERLAPPING = (np.linspace(0, 0.6, 40) + 0.4 * LABELS).astype(np.float32)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures") / "new" / "folder"
    return pictures.draw(OVERLAPPING, LABELS, 0.5, folder, ("png", "svg"))


def test_each_picture_comes_in_each_format(drawn: list[Path]) -> None:
    assert [path.name for path in drawn] == [f"{name}.{each}" for name in NAMES for each in ("png", "svg")]
    for path in drawn[1::2]:
        assert ElementTree.parse(path).getroot().tag.endswith("svg")  # noqa: S314 (our own)


def test_the_paper_is_opaque(drawn: list[Path]) -> None:
    """A transparent picture has dark ink on a dark page."""
    for path in drawn[::2]:
        image = imread(path)
        assert image.shape == (750, 1050, 4)
        assert image[:, :, 3].min() == 1
        assert image[0, 0].tolist() == [1, 1, 1, 1]
        assert image[:, :, :3].min() < 0.2


def test_the_same_scores_draw_the_same_bytes(drawn: list[Path], tmp_path: Path) -> None:
    again = pictures.draw(OVERLAPPING, LABELS, 0.5, tmp_path, ("svg",))
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in drawn[1::2]]


PERFECT, CONSTANT, WRONG = LABELS.astype(np.float32), np.full(40, 0.5, np.float32), (~LABELS).astype(np.float32)


@pytest.mark.parametrize(
    ("scores", "messages", "threshold"),
    [
        (PERFECT, 2, 1),
        (CONSTANT, 40, 0),
        pytest.param(PERFECT, 40, 0, marks=pytest.mark.slow),
        pytest.param(CONSTANT, 40, 1, marks=pytest.mark.slow),
        pytest.param(CONSTANT, 2, 0.5, marks=pytest.mark.slow),
        pytest.param(WRONG, 40, 0, marks=pytest.mark.slow),
        pytest.param(WRONG, 40, 1, marks=pytest.mark.slow),
    ],
)
def test_odd_models_are_drawn_without_complaint(
    scores: npt.NDArray[np.float32], messages: int, threshold: float, tmp_path: Path
) -> None:
    """Warnings are errors here: a log of 0, say, or an axis of no length."""
    assert len(pictures.draw(scores[:messages], LABELS[:messages], threshold, tmp_path)) == 4


def test_one_class_has_no_curve(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nothing to draw: all 40 messages are ham"):
        pictures.draw(OVERLAPPING, np.zeros(40, bool), 0.5, tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_without_matplotlib_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, labelled: Path, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, "model.quality.pictures")
    monkeypatch.delattr("model.quality.pictures")
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as Python has it for a module that is not there
    line = complaint("evaluate", ROOT / "data" / "spam.pb", labelled, "--pictures", tmp_path / "pictures")
    assert line == "model: --pictures needs matplotlib: pip install matplotlib"
