"""The messages that a threshold gets wrong, the most wrong first, and a file of them."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from formats.files import safe
from model.corpus import Labelled

COLUMNS = ("kind", "score", "message", "text")


class Mistake(NamedTuple):
    """A message on the wrong side of the threshold."""

    kind: str  # false_positive: ham that would be blocked; false_negative: spam that would pass
    score: float
    message: int  # its number among all labelled messages, from 1
    text: bytes


def find(data: Labelled, scores: npt.NDArray[np.float32], threshold: float) -> list[Mistake]:
    """List what scores [N] get wrong about `data`; the surest error first, then by number."""
    wrong = np.flatnonzero((scores >= threshold) != data.labels)
    distance = np.abs(scores[wrong] - data.labels[wrong])
    return [
        Mistake(
            "false_negative" if data.labels[row] else "false_positive",
            float(str(scores[row])),  # the shortest text that reads back as the same float32, as in a scores file
            int(row) + 1,
            data.texts[row],
        )
        for row in wrong[np.argsort(-distance, kind="stable")]
    ]


def write(found: list[Mistake], path: Path) -> None:
    """Write them as CSV. Each text's bytes are those of the labelled file, UTF-8 or not."""
    with safe.replacing(path) as file:
        text = io.TextIOWrapper(file, newline="", encoding="utf-8", errors="surrogateescape")
        rows = csv.writer(text)
        rows.writerow(COLUMNS)
        for each in found:
            rows.writerow((*each[:3], each.text.decode("utf-8", "surrogateescape")))
        text.flush()
        text.detach()
