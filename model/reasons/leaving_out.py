"""What moved the score of any graph, approximately: how the score changes when pieces of the text are left out."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.reasons import units

MOST = 64  # pieces of a text: of a longer one, several words are one
_LEAST = 1e-6  # a probability below has the logit of this one

Score = Callable[[Sequence[bytes]], npt.NDArray[np.float64]]  # of texts: [N], all in one run


class Left(NamedTuple):
    """A piece of a text, and how much higher its score is than without the piece."""

    begin: int  # bytes
    end: int
    share: float  # in logits if the scores are probabilities, else as they are


def shares(text: bytes, score: Score) -> tuple[float, list[Left]]:
    """The text's score, and its pieces: it and what is left without each of them are scored in one run."""
    size = np.array([len(text)])
    cut = units.cut(np.frombuffer(text, np.uint8), size)
    edges = [*cut.begins.tolist(), len(text)]
    count = min(MOST, len(edges) - 1)
    edges = [edges[(len(edges) - 1) * each // count] for each in range(count + 1)] if count else []
    pairs = list(pairwise(edges))
    scores = score([text, *(text[:begin] + text[end:] for begin, end in pairs)])
    levels = logits(scores) if ((scores >= 0) & (scores <= 1)).all() else scores
    pieces = zip(pairs, levels[1:], strict=True)
    return float(scores[0]), [Left(begin, end, float(levels[0] - level)) for (begin, end), level in pieces]


def logits(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    limited = np.clip(scores, _LEAST, 1 - _LEAST)
    found: npt.NDArray[np.float64] = np.log(limited / (1 - limited))
    return found
