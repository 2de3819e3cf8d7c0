"""Whether a contestant did the work: every message scored once, with the limit's score."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

TOLERANCE = 1e-6  # a graph's sums may differ in the last bits with the rows that share a `sess.run`

Scores = npt.NDArray[np.float64]


class Wrong(Exception):
    """The output is not the scores of the input."""


def read(folder: Path, rows: int) -> Scores:
    """The scores in all CSV files of the folder and below, by the message's number. Raises Wrong unless each is there
    once."""
    scores = np.full(rows, np.nan)
    seen = 0
    for path in sorted(folder.rglob("*.csv")):
        if not path.name.endswith(".rejects.csv") and path.stat().st_size:
            types = {"message_id": pa.string(), "score": pa.float64()}
            table = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))
            numbers = pc.cast(pc.utf8_slice_codeunits(table["message_id"], 1), pa.int64()).to_numpy() - 1
            if len(numbers) and not (numbers.min() >= 0 and numbers.max() < rows):
                raise Wrong(f"{path.name} has a message that is not in the input")
            scores[numbers] = table["score"].to_numpy()
            seen += len(numbers)
    if seen != rows or np.isnan(scores).any():
        raise Wrong(f"{seen:,} scores for {rows:,} messages, {np.isnan(scores).sum():,} of which have none")
    return scores


def compare(folder: Path, expected: Scores) -> None:
    """Raises Wrong unless the folder holds the expected scores."""
    difference = np.abs(read(folder, len(expected)) - expected)
    if difference.max(initial=0.0) > TOLERANCE:
        number = int(difference.argmax())
        raise Wrong(f"the score of message {number + 1} is off by {difference[number]:.2g}")
