"""Restoring some of a checkpoint's variables into a graph, initialising the others, and saying which is which."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compat import v1

from model.checkpoints import checkpoint, saving
from model.errors import ModelError
from model.graph import foreign


class Row(NamedTuple):
    """What became of one variable of the graph."""

    variable: str
    source: str  # its name in the checkpoint
    restored: bool
    why: str  # if it was not restored, and so initialised


class Outcome(NamedTuple):
    rows: list[Row]  # each variable of the graph, by name
    unused: list[str]  # what the checkpoint has and nothing asked for


def restore(session: v1.Session, prefix: str, names: Sequence[str] | Mapping[str, str] | None = None) -> Outcome:
    """Restore those of the graph's variables that are wanted and found; run the initialisers of the others.

    `names` are variables of the graph, {name in the checkpoint: variable of the graph}, or None for all. One is found
    if the checkpoint has its name with the same shape and dtype. Raises ModelError if the graph has no such variable,
    or the checkpoint cannot be read.
    """
    with session.graph.as_default():
        known = {variable.op.name: variable for variable in v1.global_variables()}
        wanted = saving.select(session.graph, names) or (known if names is None else {})
        there = {entry.name: entry for entry in checkpoint.variables(prefix)}
        sources = {variable.op.name: source for source, variable in wanted.items()}
        rows = [_row(name, known[name], sources.get(name), there) for name in sorted(known)]
        found = {row.source: known[row.variable] for row in rows if row.restored}
        initialisers = [known[row.variable].initializer for row in rows if not row.restored]
        foreign.refuse_unsafe_run(session.graph, initialisers)
        try:
            if found:
                v1.train.Saver(found).restore(session, prefix)
        except (ValueError, tf.errors.OpError) as error:
            raise ModelError(f"cannot restore {prefix}: {error}") from None
        session.run(initialisers)
    return Outcome(rows, sorted(there.keys() - found.keys()))


def _row(name: str, variable: tf.Variable, source: str | None, there: Mapping[str, checkpoint.Variable]) -> Row:
    if source is None:
        return Row(name, name, False, "not asked for")
    if source not in there:
        return Row(name, source, False, "not in the checkpoint")
    here = checkpoint.Variable(source, variable.dtype.base_dtype.name, tuple(variable.shape.as_list()))
    if there[source] != here:
        found = there[source]
        return Row(
            name, source, False, f"{found.dtype} {list(found.shape)} there, {here.dtype} {list(here.shape)} here"
        )
    return Row(name, source, True, "")
