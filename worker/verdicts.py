"""What each record is by a threshold on its score."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from graphs.feeds import Fetch
from jobs.verdicts import HAM, SPAM
from model.errors import ModelError

_WORDS = pa.array([HAM, SPAM], pa.binary())


def verdicts(fetch: Fetch, columns: Mapping[str, pa.Array], threshold: float) -> pa.Array:
    """`binary` [rows]: spam where the output `fetch`, which has its columns among these, is at least the threshold. A
    score that is not a number (nan) is ham. Raises ModelError unless the output is one floating-point number a row.

    What is compared is what the scores file has, the shortest decimal number for the score: at a threshold of 0.7 the
    float32 next to 0.7, which is a little less, is spam.
    """
    column = columns.get(fetch.name)
    if column is None or not pa.types.is_floating(column.type):
        found = "several columns" if column is None else str(column.type)
        if column is not None and pa.types.is_binary(column.type):
            found = "a text, or a list"
        raise ModelError(
            f"--threshold is for one floating-point number a record, and the first output, {fetch.tensor!r}, is "
            f"{found}: --fetch NODE[i] takes one column"
        )
    scores = column.to_numpy(zero_copy_only=False)
    return _WORDS.take(pa.array((scores >= least(threshold, scores.dtype)).astype(np.int8)))


def least(threshold: float, dtype: "np.dtype[np.floating]") -> np.floating:
    """The lowest number of that dtype whose shortest text is a number of at least the threshold."""
    with np.errstate(over="ignore"):  # then it is infinite
        nearest: np.floating = dtype.type(threshold)
    return nearest if float(str(nearest)) >= threshold else np.nextafter(nearest, dtype.type(np.inf))
