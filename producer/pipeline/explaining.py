"""Whether a job's scores can be explained: all that can be known of that before anything is enqueued."""

import math
from collections.abc import Sequence
from functools import partial

from formats.errors import InputError
from graphs import messages, ngram_sums
from graphs.errors import GraphError
from graphs.explainable import explainable
from graphs.feeds import Feed, Fetch
from jobs.reasons import FROM, MOST, REASONS, UNEXPLAINED, Explain
from producer.graph import Graph


def explain_of(pieces: int | None, least: float | None) -> Explain:
    """As a job has it. Raises InputError for numbers that say nothing."""
    if not pieces:
        if least is not None:
            raise InputError("--explain-from needs --explain N: the number of pieces of text to name")
        return UNEXPLAINED
    if not 0 < pieces <= MOST:
        raise InputError(f"--explain {pieces}: from 1 to {MOST} pieces of a text can be named")
    from_ = FROM if least is None else float(least)
    if not math.isfinite(from_):
        raise InputError(f"--explain-from {least} is no number from which on scores could be explained")
    return Explain(pieces, from_ + 0.0)  # which makes 0.0 of -0.0


def check_explainable(graph: Graph, fetches: Sequence[Fetch], feeds: Sequence[Feed]) -> None:
    """Raises GraphError if no output is a sum over the pieces of a column's texts, or one is named as the reasons."""
    if any(fetch.name == REASONS for fetch in fetches):
        raise GraphError(f"{graph.path} gives {REASONS!r} of its own: leave --explain out, or fetch other outputs")
    try:
        explainable(fetches, feeds, partial(ngram_sums.find, messages.parse(graph.data)))
        if any(feed.shape and feed.shape[0] != -1 for feed in feeds):
            raise GraphError("--explain: the graph takes a fixed number of records")
    except GraphError as error:
        raise GraphError(f"{graph.path}: {error}") from None
