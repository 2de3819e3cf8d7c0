"""What every runtime offers: it opens a model from its bytes, and runs arrays through it.

A new one is a module with these members and a line in worker/runtimes/registry.py; tests/worker/runtimes has the tests
that it then has to pass.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from model.graph.row_class import RowVerdict

if TYPE_CHECKING:
    from model.reasons.anatomy import Anatomy

Arrays = Sequence[npt.NDArray[Any]]  # each [rows] or [rows, ...]
Run = Callable[[Arrays], Arrays]


class RowError(Exception):
    """The model fails on one of the rows that it was given, or on all together. Its text, one line, says why."""


class FeedError(Exception):
    """The model takes no such arrays, whatever is in them. Its text, one line, says why."""


class Model(Protocol):
    """A model that was opened, in a process that does not fork any more."""

    def prepare(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Run:
        """What runs the model: from the arrays for `feeds` to those of `fetches`, in their order. Raises ModelError if
        the model has no such input or output; what it returns raises RowError and FeedError."""

    def shape(self, fetch: str) -> tuple[int, ...] | None:
        """An output's shape as far as it is known: -1 is any length, None any rank. Raises ModelError if the model has
        no such output."""

    def judge_rows(self, fetches: tuple[str, ...]) -> RowVerdict:
        """What is known of how the model treats rows without running it."""

    def anatomy(self, fetch: str) -> "Anatomy | None":
        """What explains an output; None where nothing does exactly."""


class Runtime(Protocol):
    """A kind of models, and what runs them."""

    @property
    def name(self) -> str:
        """As the receipt has it, among the versions."""

    def version(self) -> str:
        """Of what runs the models."""

    def reads(self, data: bytes) -> bool:
        """Whether a model's bytes are of this kind, by how they begin."""

    def open(self, data: bytes, threads: int) -> Model:
        """Never in a process that forks. Raises ModelError if it is no model that a worker accepts."""
