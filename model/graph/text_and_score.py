"""Which of a graph's placeholders takes the texts, and which of its nodes is their score."""

import tensorflow as tf

from graphs.inputs import INPUTS
from graphs.name_lists import listed
from graphs.names import short
from model.errors import ModelError
from model.graph import frozen

TEXT = "text"


def string_inputs(graph: tf.Graph) -> list[str]:
    """The placeholders of a text a record."""
    return [
        tensor.op.name
        for tensor in frozen.placeholders(graph)
        if tensor.dtype == tf.string and (tensor.shape.rank is None or tensor.shape.as_list() == [None])
    ]


def text_input(graph: tf.Graph, name: str | None) -> str:
    """The placeholder `name`; else `text`, or the only one of strings. Raises ModelError if there is no such one."""
    found = string_inputs(graph)
    if name is None:
        name = TEXT if TEXT in found or len(found) != 1 else found[0]
    if short(name) not in found:
        names = listed(found) or "none"
        raise ModelError(f"no placeholder {name!r} takes a text a record; --input says which: there are {names}")
    return short(name)


def score_output(graph: tf.Graph, name: str | None) -> str:
    """The node `name`; else `score`, or the only output. Raises ModelError unless it is a probability a record."""
    ends = [tensor.op.name for tensor in frozen.terminal_tensors(graph)]
    if name is None:
        name = "score" if "score" in ends or len(ends) != 1 else ends[0]
    tensor = frozen.tensor(graph, name)
    shape = tensor.shape
    is_column = shape.rank in (None, 1) or (shape.rank == 2 and shape[1] in (None, 1))
    if tensor.op.type in INPUTS or not tensor.dtype.is_floating or not is_column or not tensor.name.endswith(":0"):
        what = f"{tensor.dtype.name} of shape {shape}"
        raise ModelError(f"{name!r} is no probability a record: it is {what}; --score says which node is")
    return short(tensor.name)
