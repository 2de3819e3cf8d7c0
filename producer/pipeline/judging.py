"""Whether a job's first output takes a threshold: all that can be known of that before anything is enqueued."""

import math
from collections.abc import Sequence

from formats.errors import InputError
from graphs import messages
from graphs.errors import GraphError
from graphs.feeds import Fetch
from graphs.output_dtypes import dtype_of
from jobs.verdicts import VERDICT
from producer.graph import Graph

FLOATS = ("half", "float16", "bfloat16", "float32", "float64")


def checked_threshold(threshold: float, graph: Graph, fetches: Sequence[Fetch]) -> float:
    """The threshold as a job has it. Raises InputError for one that is no finite number, GraphError if the scores file
    has verdicts already, or the first output is surely not one floating-point number a record."""
    if not math.isfinite(threshold):
        raise InputError(f"--threshold {threshold} is no number from which on a score could be spam")
    if any(fetch.name == VERDICT for fetch in fetches):
        raise GraphError(
            f"{graph.path} gives a {VERDICT!r} of its own, and --threshold writes a column of that name: leave it out, "
            "or name what is wanted of the graph, such as --fetch score"
        )
    first = fetches[0]
    what = first.form if first.form != "dense" else dtype_of(messages.parse(graph.data), first.tensor)
    if what is not None and what not in FLOATS:
        raise GraphError(
            f"{graph.path}: --threshold is for one floating-point number a record, and the first output, "
            f"{first.tensor!r}, is {what}: --fetch NODE,... says which is the first"
        )
    return float(threshold) + 0.0  # which makes 0.0 of -0.0: they mean the same, and are one job
