"""A frozen file beside what it was made of: both compute a sample, and the scores must agree."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs import foreign as rules
from graphs import ops, walk
from model import sessions
from model.errors import ModelError, reason
from model.graph import foreign, frozen, inline, prune, samples, tables
from model.graph.freeze import Frozen
from model.graph.registry import op_list
from model.graph.source import LackingError, Source, variables

BOUND = 1e-4  # relative to the larger of 1 and the value
_LEAST = 8  # records
_LENGTHS = (7, 1, 32)  # tried in turn, of sequences whose length is free

_FAILS = (ValueError, TypeError, tf.errors.OpError)
Values = list[npt.NDArray[Any]]


class Outcome(NamedTuple):
    """`records` were computed by both; `difference` is the largest, None where nothing was compared, and `why`."""

    records: int
    difference: float | None
    why: str = ""
    kind: str = "made-up"

    @property
    def text(self) -> str:
        if self.difference is None:
            return f"not compared with the original: {self.why}"
        agree = f"differs by at most {self.difference:.1g}" if self.difference else "is the same to the last bit"
        return f"compared with the original on {self.records} {self.kind} records: {agree}"


def compare(made: Frozen, source: Source, sample: Path | None = None) -> Outcome:
    """Load the frozen file as a worker does, and run it and the original on the records of the file `sample`
    (`samples.given`), or on made-up ones.

    ModelError if a value differs by more than `BOUND`, the largest of a row is another one, or a worker refuses it.
    """
    with _loaded(made.content) as mine:
        try:
            with _original(made, source) as theirs:
                return _compare(made, mine, theirs, sample)
        except ModelError:
            if _is_random(mine.graph):  # two runs of either may differ as well
                return Outcome(0, None, "its outputs are random")
            raise
        except _Unable as error:
            return Outcome(0, None, str(error))


class _Unable(Exception):
    """The original cannot be run, and why."""


@contextmanager
def _loaded(content: bytes) -> Iterator[v1.Session]:
    graph = frozen.load(content)
    with v1.Session(graph=graph, config=_config()) as session:
        filling = [each for each in graph.get_operations() if each.type in ("InitializeTable", "InitializeTableV2")]
        try:
            session.run(filling)
        except _FAILS as error:
            raise ModelError(f"a table of the frozen graph cannot be filled: {reason(error)}") from None
        yield session


@contextmanager
def _original(made: Frozen, source: Source) -> Iterator[v1.Session]:
    graph_def = v1.GraphDef()
    graph_def.CopyFrom(made.original)
    refused = foreign.part_refusals(graph_def, list(made.outputs.values()))
    if refused:
        raise _Unable(f"the original has the op {refused[0].op}, which {refused[0].why}")
    why = rules.fill_refusal(graph_def, made.filling, op_list())
    if why:
        raise _Unable(why)
    graph = inline.imported(graph_def)
    with v1.Session(graph=graph, config=_config()) as session, graph.as_default():
        needed = walk.reached(walk.inputs(graph_def), made.outputs.values())
        held = [node for node in variables(graph_def) if node.name in needed]  # the others have what fills the tables
        try:
            values = source.values(held)
        except LackingError as lacking:
            raise _Unable(f"the variable {str(lacking)!r} has no value") from None
        for node in held:
            _assign(session, graph.get_operation_by_name(node.name), values[node.name])
        _fill(session, graph_def, made.filling, source)
        yield session


def _fill(session: v1.Session, graph_def: v1.GraphDef, filling: Sequence[str], source: Source) -> None:
    """Run what fills the original's tables. It was looked at."""
    graph = session.graph
    known = {node.name for node in graph_def.node}
    assets = {f"{name}:0": str(path) for name, path in source.assets.items() if name in known}
    try:
        session.run([graph.get_operation_by_name(name) for name in filling], assets)
        for node in graph_def.node:
            saved = source.tables(node) if tables.TABLE.fullmatch(node.op) else None
            if saved is not None:
                handle = graph.get_operation_by_name(node.name).outputs[0]
                session.run(tf.raw_ops.LookupTableImportV2(table_handle=handle, keys=saved[0], values=saved[1]))
    except _FAILS as error:
        raise _Unable(f"its tables cannot be filled: {reason(error)}") from None


def _assign(session: v1.Session, variable: tf.Operation, value: npt.NDArray[Any]) -> None:
    dtype = tf.as_dtype(variable.get_attr("dtype"))
    given = v1.placeholder(dtype, value.shape)
    if variable.type == "VarHandleOp":
        assigned = tf.raw_ops.AssignVariableOp(resource=variable.outputs[0], value=given)
    else:
        assigned = tf.raw_ops.Assign(ref=variable.outputs[0], value=given, validate_shape=False).op
    session.run(assigned, {given: value})


def _config() -> v1.ConfigProto:
    config = sessions.as_written()
    config.allow_soft_placement = True
    return config


def _compare(made: Frozen, mine: v1.Session, theirs: v1.Session, sample: Path | None) -> Outcome:
    there = {operation.name for operation in theirs.graph.get_operations()}
    inputs = frozen.placeholders(mine.graph)
    if not inputs:
        return Outcome(0, None, "it is fed nothing")
    fixed = prune.settings(made.original, {name: value for name, value in made.set.items() if name in there})
    if sample is not None:
        return _if_enough(_on(made, mine, theirs, samples.given(sample, inputs), fixed, "given"))
    best = Outcome(0, None, "no made-up record can be computed")
    for length in _LENGTHS:
        feeds = samples.made_up(inputs, length)
        found = _on(made, mine, theirs, feeds, fixed)
        if found.records >= _LEAST:
            return found
        best = max(best, found, key=lambda each: each.records)
        if all(tensor.shape.rank is not None and None not in tensor.shape.as_list()[1:] for tensor in inputs):
            break
    return _if_enough(best)


def _if_enough(found: Outcome) -> Outcome:
    if not 0 < found.records < _LEAST:
        return found
    return Outcome(found.records, None, f"only {found.records} {found.kind} records can be computed")


def _on(
    made: Frozen,
    mine: v1.Session,
    theirs: v1.Session,
    feeds: samples.Feeds,
    fixed: samples.Feeds,
    kind: str = "made-up",
) -> Outcome:
    count = samples.rows_of(feeds)
    whole = _both(made, mine, theirs, feeds, fixed)
    runs, records = [whole], count if whole is not None else 0
    can_split = count > 1 and not samples.is_sparse(feeds)
    if whole is None and can_split:
        runs = [_both(made, mine, theirs, samples.row(feeds, number), fixed) for number in range(count)]
        records = sum(run is not None for run in runs)
    elif whole is not None and count < _LEAST and kind == "made-up":
        random = np.random.RandomState(1)
        for _ in range((_LEAST - 1) // count):  # fewer records a call: more calls
            again = {
                name: random.permutation(each.reshape(-1)).reshape(each.shape) if each.size > 1 else each
                for name, each in feeds.items()
            }
            runs.append(_both(made, mine, theirs, again, fixed))
        records = count * sum(run is not None for run in runs)
    difference = 0.0
    for run in runs:
        if run is not None:
            for name, value, expected in zip(made.outputs, *run, strict=True):
                difference = max(difference, _difference(name, value, expected))
    return Outcome(records, difference if records else None, f"no {kind} record can be computed", kind)


def _both(
    made: Frozen, mine: v1.Session, theirs: v1.Session, feeds: samples.Feeds, fixed: samples.Feeds
) -> tuple[Values, Values] | None:
    """What the frozen graph and the original compute; None where both fail. ModelError if one does."""
    there = {operation.name for operation in theirs.graph.get_operations()}
    results: list[Values] = []
    errors: list[Exception] = []
    for session, tensors, given in (
        (mine, list(made.outputs), feeds),
        (theirs, list(made.outputs.values()), {**{k: v for k, v in feeds.items() if k in there}, **fixed}),
    ):
        try:
            fetches = [_tensor(name) for name in tensors]
            given_there = {f"{name}:0": value for name, value in given.items()}
            values = session.run(fetches, given_there)
            results.append([np.asarray(value) for value in values])
        except _FAILS as error:
            errors.append(error)
    if len(errors) == 2:
        return None
    if not errors and _is_random(theirs.graph):
        again = theirs.run(fetches, given_there)
        if not all(np.array_equal(one, other) for one, other in zip(results[1], again, strict=True)):
            raise _Unable("its outputs are random")
    if errors:
        raise ModelError(f"a record fails in only one of the frozen graph and the original: {reason(errors[0])}")
    return results[0], results[1]


def _is_random(graph: tf.Graph) -> bool:
    return any(node.op in ops.RANDOM for _, node in walk.every(graph.as_graph_def()))


def _tensor(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _difference(name: str, value: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    """The largest difference, relative to the larger of 1 and the value. ModelError if it is too large."""
    if value.shape != expected.shape or value.dtype != expected.dtype:
        raise ModelError(
            f"frozen, {name!r} is {value.dtype} {list(value.shape)}; it was {expected.dtype} {list(expected.shape)}"
        )
    if not np.issubdtype(value.dtype, np.inexact):
        if not np.array_equal(value, expected):
            raise ModelError(f"frozen, {name!r} has other values than the original: {_sample(value, expected)}")
        return 0.0
    if np.array_equal(value, expected, equal_nan=True):
        return 0.0
    a, b = value.astype(np.complex128), expected.astype(np.complex128)
    with np.errstate(invalid="ignore"):
        apart = np.where((value == expected) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b) / np.maximum(1, np.abs(b)))
    worst = float(np.max(apart)) if not np.isnan(apart).any() else float("inf")
    if worst > BOUND:
        raise ModelError(f"frozen, {name!r} differs from the original by {worst:.2g}, and may by {BOUND:g}")
    if value.ndim >= 2 and value.shape[-1] > 1 and not np.iscomplexobj(value):
        largest = np.take_along_axis(expected, value.argmax(-1)[..., None], -1)[..., 0]
        if (largest < expected.max(-1)).any():
            raise ModelError(f"frozen, the largest of a row of {name!r} is another one than the original's")
    return worst


def _sample(value: npt.NDArray[Any], expected: npt.NDArray[Any]) -> str:
    where = np.flatnonzero((value != expected).reshape(-1))[0]
    return f"{value.reshape(-1)[where]!r} for {expected.reshape(-1)[where]!r}"
