"""A runtime that nobody has: a model is a name and a factor, by which numbers are multiplied."""

import numpy as np

from model.errors import ModelError
from model.graph.row_class import RowVerdict
from worker.runtimes.runtime import Arrays, FeedError, RowError, Run

HEAD = b"factor "


class Multiplied:
    """`score` is `x` times the factor; it can't bear a number below zero."""

    def __init__(self, factor: float) -> None:
        self._factor = np.float32(factor)

    def prepare(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Run:
        if (feeds, fetches) != (("x",), ("score",)):
            raise ModelError(f"the model has no {feeds} and {fetches}")
        return self._run

    def _run(self, arrays: Arrays) -> Arrays:
        [x] = arrays
        if x.dtype != np.float32 or x.ndim != 1:
            raise FeedError(f"x is float32 of shape [rows], and is given {x.dtype} of shape {x.shape}")
        if (x < 0).any():
            raise RowError("below zero")
        return [x * self._factor]

    def shape(self, fetch: str) -> tuple[int, ...] | None:
        if fetch != "score":
            raise ModelError(f"the model has no {fetch}")
        return (-1,)

    def judge_rows(self, fetches: tuple[str, ...]) -> RowVerdict:  # noqa: ARG002
        return RowVerdict("exact", "exact", True, "a product")

    def anatomy(self, fetch: str) -> None:  # noqa: ARG002
        return None


class Multiplying:
    """The runtime."""

    name = "multiplying"

    def version(self) -> str:
        return "1"

    def reads(self, data: bytes) -> bool:
        return data.startswith(HEAD)

    def open(self, data: bytes, threads: int) -> Multiplied:  # noqa: ARG002
        try:
            return Multiplied(float(data.removeprefix(HEAD)))
        except ValueError:
            raise ModelError("no factor") from None
