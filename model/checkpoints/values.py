"""The values of a model's variables and tables, read from its checkpoint by name: nothing of its graph runs for it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops
from model.checkpoints.places import Place
from model.errors import ModelError
from model.graph.tables import Content


def values(nodes: Iterable[v1.NodeDef], places: Mapping[str, Place], reader: Any) -> dict[str, npt.NDArray[Any]]:
    """The values of the variables among the nodes, by node. Raises ModelError for one that the checkpoint lacks."""
    found = {}
    for node in nodes:
        if node.op not in ops.VARIABLES:
            continue
        place = places.get(node.name) or Place(node.name)
        if not reader.has_tensor(place.key):
            raise ModelError(f"the outputs need the variable {node.name!r}, which the checkpoint lacks")
        try:
            value = reader.get_tensor(place.key)
        except (ValueError, RuntimeError, tf.errors.OpError) as error:
            raise ModelError(f"cannot read the value of {node.name!r}: {getattr(error, 'message', error)}") from None
        found[node.name] = _sliced(np.asarray(value), place.slice)
    return found


def table(node: v1.NodeDef, keys: Mapping[str, str], reader: Any) -> Content | None:
    """What the checkpoint has of a mutable table; None if it has nothing of it. `keys`: the table's key, by node."""
    key = keys.get(node.name)
    names = [(f"{key}-keys", f"{key}-values")] if key else []
    names.append((f"{node.name}-keys", f"{node.name}-values"))
    for first, second in names:
        if reader is not None and reader.has_tensor(first) and reader.has_tensor(second):
            return Content(reader.get_tensor(first), reader.get_tensor(second))
    return None


def _sliced(value: npt.NDArray[Any], part: str) -> npt.NDArray[Any]:
    """Of "4 3 0,2:-": of [4, 3] two rows from row 0 on, and all columns."""
    if not part:
        return value
    ranges = []
    for text in part.split(" ")[-1].split(":"):
        if text == "-":
            ranges.append(slice(None))
        elif re.fullmatch(r"\d+,\d+", text):
            begin, length = map(int, text.split(","))
            ranges.append(slice(begin, begin + length))
        else:
            raise ModelError(f"{part!r} says no slice of a variable")
    return value[tuple(ranges)]
