"""Running a graph by hand: values typed by a user become what a placeholder wants, and what fails is one line."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.errors import ModelError, reason
from model.graph import frozen


def parse(tensor: tf.Tensor, values: Sequence[str]) -> npt.NDArray[Any]:
    """Convert values [N] to the tensor's dtype: [N]. ModelError if one is no such number."""
    if tensor.dtype == tf.string:
        return np.array([os.fsencode(value) for value in values], dtype=object)
    try:
        if tensor.dtype == tf.bool:
            return np.array([{"0": False, "1": True, "false": False, "true": True}[value.lower()] for value in values])
        return np.array(list(values)).astype(tensor.dtype.as_numpy_dtype)
    except (KeyError, ValueError, OverflowError):
        raise ModelError(f"{', '.join(values)[:60]!r} is no {tensor.dtype.name}, as {tensor.op.name!r} wants") from None


def fetched(graph: tf.Graph, name: str) -> tf.Tensor:
    """The tensor called `node` or `node:0`; of a variable, its value. ModelError if there is none."""
    tensor = frozen.tensor(graph, name)
    if tensor.dtype != tf.resource:
        return tensor
    with graph.as_default():
        values = [variable.value() for variable in v1.global_variables() if getattr(variable, "handle", None) is tensor]
    return values[0] if values else tensor


def run(
    session: v1.Session, fetches: Sequence[tf.Tensor], feeds: Mapping[tf.Tensor, npt.NDArray[Any]]
) -> list[npt.NDArray[Any]]:
    """`session.run`, whose failure is a ModelError."""
    try:
        return [np.asarray(value) for value in session.run(list(fetches), dict(feeds))]
    except (ValueError, tf.errors.OpError) as error:
        raise ModelError(f"the graph does not run: {reason(error)}") from None
