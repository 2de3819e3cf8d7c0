"""Whether a frozen file gives what the model gave that it was made from: both score made-up records."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops
from graphs.inputs import MAY_BE_FED
from graphs.wants import Want, wants
from model import sessions
from model.errors import ModelError
from model.graph import frozen
from model.graph.freeze import Unfrozen, session_of

BOUND = 1e-4  # relative to the larger of 1 and the value
ROWS = 16
FEWEST = 8  # records on which neither fails: fewer tell nothing
FREE = 4  # the length of a dimension that may have any
_TEXTS = ("win a free prize now", "home by six", "12", "3.5", "", "a", "Ünïcode 한글", "the the the")
Arrays = dict[str, npt.NDArray[Any]]
Run = Callable[[Arrays], list[npt.NDArray[Any]]]


class _Pair(NamedTuple):
    original: list[npt.NDArray[Any]]
    frozen: list[npt.NDArray[Any]]


def check(unfrozen: Unfrozen, content: bytes) -> str:
    """Say how far the outputs of both differ. Raises ModelError if the frozen file can't be loaded as a worker does, or
    if they differ by more than BOUND, or in which value of a row is the largest."""
    graph = frozen.load(content)
    if any(ops.RANDOM.fullmatch(node.op) for node in unfrozen.graph_def.node):
        return "not compared: the model draws random numbers"
    with session_of(unfrozen) as before, v1.Session(graph=graph, config=_config()) as after:
        after.run(frozen.initialisers(graph))
        names = [f"{name}:0" for name in unfrozen.outputs]
        pairs: list[_Pair] = []
        records = 0
        for whole in (False, True):  # the second time with small whole numbers, which may be ids
            seed = 0
            while records < FEWEST and seed < FEWEST:
                rows, sample = make_sample(unfrozen.graph_def, seed, whole=whole)
                found = _pairs(_runner(before, names), _runner(after, names), sample, rows)
                pairs, records, seed = pairs + found, records + _records(found), seed + 1
                if not found:
                    break
    if records < FEWEST:
        return "not compared: on made-up records the model itself fails"
    worst = 0.0
    for pair in pairs:
        for name, one, other in zip(unfrozen.outputs, pair.original, pair.frozen, strict=True):
            worst = max(worst, _difference(name, one, other))
    if worst == 0:
        return f"compared on {records} made-up records: the same to the last bit"
    return f"compared on {records} made-up records: they differ by {worst:.1e} at most, relative to 1 or the value"


def _records(pairs: list[_Pair]) -> int:
    return sum(len(pair.original[0]) if pair.original[0].ndim else 1 for pair in pairs)


def make_sample(graph_def: v1.GraphDef, seed: int = 0, *, whole: bool = False) -> tuple[int, Arrays]:
    """How many records, and what to feed each placeholder: the same for the same graph and seed. `whole`: numbers are
    0, 1 or 2."""
    random = np.random.default_rng(seed)
    found = wants(graph_def)
    fixed = [want.shape[0] for want in found if want.shape and want.shape[0] > 0]
    rows = max(fixed, default=ROWS)
    sample: Arrays = {}
    shapes = {node.name: node for node in graph_def.node if node.op in MAY_BE_FED}
    for want in found:
        if want.kind == "sparse":
            indices, values, size = want.tensors
            sample[indices] = np.stack([np.arange(rows), np.arange(rows) % FREE], axis=1).astype(np.int64)
            sample[values] = _values(want.dtype, (rows,), random, whole=whole)
            sample[size] = np.array([rows, FREE], np.int64)
        elif want.kind == "ragged":
            flat, splits = want.tensors
            sample[flat] = _values(want.dtype, (rows * 2,), random, whole=whole)
            sample[splits] = np.arange(rows + 1, dtype=np.int64) * 2
        elif want.features:
            sample[want.name] = _examples(want, rows, random)
        elif not want.is_optional or want.shape:
            shape = (rows,) if want.shape is None else _sized(want.shape, rows)
            sample[want.name] = _values(want.dtype, shape, random, whole=whole)
    return rows, {name: value for name, value in sample.items() if name in shapes}


def _sized(shape: tuple[int, ...], rows: int) -> tuple[int, ...]:
    return tuple(size if size != -1 else rows if place == 0 else FREE for place, size in enumerate(shape))


def _values(
    dtype: str, shape: tuple[int, ...], random: np.random.Generator, *, whole: bool = False
) -> npt.NDArray[Any]:
    if dtype == "string":
        texts = np.array([text.encode() for text in _TEXTS], dtype=object)
        return np.asarray(texts[random.integers(0, len(texts), shape)], dtype=object)
    kind = tf.as_dtype(dtype)
    if kind == tf.bool:
        return np.asarray(random.integers(0, 2, shape) > 0) if shape else np.array(False)
    if kind.is_integer or (whole and shape):
        return np.asarray(random.integers(0, 3, shape)).astype(kind.as_numpy_dtype)
    if not shape:  # a probability to keep, a rate, a temperature
        return np.array(1.0).astype(kind.as_numpy_dtype)
    return np.asarray(random.normal(size=shape)).astype(kind.as_numpy_dtype)


def _examples(want: Want, rows: int, random: np.random.Generator) -> npt.NDArray[Any]:
    made = np.empty(rows, dtype=object)
    kinds = {"float32": "float_list", "int64": "int64_list", "string": "bytes_list"}
    for row in range(rows):
        example = tf.train.Example()
        for feature in want.features:
            count = 1 if feature.shape is None else int(np.prod(feature.shape))
            values = _values(feature.dtype, (count,), random).tolist()
            getattr(example.features.feature[feature.name], kinds[feature.dtype]).value.extend(values)
        made[row] = example.SerializeToString(deterministic=True)
    return made if want.shape is None or len(want.shape) == 1 else made.reshape(-1, *[1] * (len(want.shape) - 1))


def _config() -> v1.ConfigProto:
    config = sessions.as_written()
    config.allow_soft_placement = True
    return config


def _runner(session: v1.Session, names: list[str]) -> Run:
    def run(arrays: Arrays) -> list[npt.NDArray[Any]]:
        feeds = {f"{name}:0": value for name, value in arrays.items()}
        return [np.asarray(value) for value in session.run(names, feeds)]

    return run


def _pairs(before: Run, after: Run, sample: Arrays, rows: int) -> list[_Pair]:
    """What both give for all records, or where that fails, for each of those on which the original does not."""
    try:
        return [_Pair(before(sample), _frozen(after, sample))]
    except (tf.errors.OpError, ValueError, TypeError):
        pass
    if any(value.ndim == 0 or len(value) != rows for value in sample.values() if value.ndim):
        return []
    pairs = []
    for row in range(rows):
        one = {name: value[row : row + 1] if value.ndim else value for name, value in sample.items()}
        try:
            found = before(one)
        except (tf.errors.OpError, ValueError, TypeError):
            continue
        pairs.append(_Pair(found, _frozen(after, one)))
    return pairs


def _frozen(after: Run, arrays: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    try:
        return after(dict(arrays))
    except tf.errors.OpError as error:
        reason = str(error.message).splitlines()[0]
        raise ModelError(f"the frozen graph fails where the model does not: {reason}") from None


def _difference(name: str, one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """How far they differ, relative to the larger of 1 and the value. Raises ModelError beyond what is allowed."""
    if one.shape != other.shape or one.dtype != other.dtype:
        raise ModelError(
            f"the frozen graph gives {name!r} as {other.dtype} {list(other.shape)}, the model as {one.dtype} "
            f"{list(one.shape)}"
        )
    if one.dtype.kind not in "fc":
        if not np.array_equal(one, other):
            raise ModelError(f"the frozen graph gives other values of {name!r} than the model: no file is written")
        return 0.0
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        differences = np.where(same, 0, abs(one - other) / np.maximum(1, abs(one)))
    worst = float(np.max(differences, initial=0))
    if not worst <= BOUND:
        raise ModelError(f"the frozen graph's {name!r} differs from the model's by {worst:.1e}: no file is written")
    if one.ndim == 2 and one.dtype.kind == "f" and one.size and (one.argmax(1) != other.argmax(1)).any():
        raise ModelError(f"another value of {name!r} is the largest of a row once frozen: no file is written")
    return worst
