"""Records to try a graph on: given ones, or made up from the dtypes and shapes of what it is fed."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from graphs.names import node_of
from model.errors import ModelError

ROWS = 16
_WORDS = [b"free", b"prize", b"home", b"at", b"six", b"a", b"", b"42"]
Feeds = dict[str, npt.NDArray[Any]]  # by placeholder


def made_up(inputs: Sequence[tf.Tensor], length: int) -> Feeds:
    """Feeds for `inputs`: `ROWS` rows where the first dimension is free; `length` where another is.

    The same for the same inputs.
    """
    random = np.random.RandomState(0)
    feeds: Feeds = {}
    for tensor in inputs:
        name = tensor.op.name
        keys = _features(tensor)
        shape = _shape(tensor, length)
        if keys is not None and len(shape) < 2:
            count = shape[0] if shape else 1
            value = np.array([_example(keys, random) for _ in range(count)], dtype=object)
            feeds[name] = value.reshape(shape)
        else:
            feeds[name] = _values(tensor.dtype.base_dtype, shape, random)
    for name in [name for name in feeds if name.endswith("/indices")]:
        stem = name.removesuffix("/indices")
        if feeds.keys() >= {f"{stem}/values", f"{stem}/shape"}:
            feeds.update(_sparse(stem, feeds))
    return feeds


def given(path: Path, inputs: Sequence[tf.Tensor]) -> Feeds:
    """Feeds for `inputs` from a file of JSON Lines: a record each, {input: value}, as the rows of TensorFlow Serving's
    `instances`. Bytes are {"b64": text}; an input that is one value for all records has that of the first.

    Raises ModelError, in one line, for what is none of it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line, object_hook=_bytes_of) if line.strip() else None
        except (ValueError, RecursionError):
            record = ()
        if record is not None and not isinstance(record, dict):
            raise ModelError(f"{path}, line {number}: a JSON object with a value an input is wanted")
        records += [record] if record else []
    if not records:
        raise ModelError(f"{path} has no records")
    return {tensor.op.name: _given(path, tensor, records) for tensor in inputs}


def _bytes_of(content: dict[str, Any]) -> Any:
    return base64.b64decode(content["b64"], validate=True) if content.keys() == {"b64"} else content


def _given(path: Path, tensor: tf.Tensor, records: Sequence[dict[str, Any]]) -> npt.NDArray[Any]:
    name, dtype = tensor.op.name, tensor.dtype.base_dtype
    lacking = next((number for number, record in enumerate(records, 1) if name not in record), None)
    if lacking is not None:
        raise ModelError(f"{path}: its record {lacking} has no value for the input {name!r}")
    values = records[0][name] if tensor.shape.rank == 0 else [record[name] for record in records]
    try:
        array = np.array(values, dtype=object if dtype == tf.string else dtype.as_numpy_dtype)
    except (ValueError, TypeError, OverflowError):
        raise ModelError(
            f"{path}: what its records have for the input {name!r} is not {dtype.name}, or of different lengths"
        ) from None
    if not tensor.shape.is_compatible_with(array.shape):
        raise ModelError(f"{path}: the input {name!r} has the shape {tensor.shape}, and is given {list(array.shape)}")
    return array


def _shape(tensor: tf.Tensor, length: int) -> list[int]:
    if tensor.shape.rank is None:
        return [ROWS]
    sizes = tensor.shape.as_list()
    return [size if size is not None else (ROWS if number == 0 else length) for number, size in enumerate(sizes)]


def _values(dtype: tf.DType, shape: Sequence[int], random: np.random.RandomState) -> npt.NDArray[Any]:
    if dtype == tf.string:
        texts = [b" ".join(random.choice(_WORDS, size=1 + number % 4)) for number in range(int(np.prod(shape)))]
        return np.array(texts, dtype=object).reshape(shape)
    if dtype == tf.bool:
        return random.rand(*shape) > 0.5 if shape else np.array(False)
    if dtype.is_floating or dtype.is_complex:
        return np.asarray(random.rand(*shape) if shape else 1.0).astype(dtype.as_numpy_dtype)
    whole = random.randint(0, 2, size=shape) if len(shape) != 1 else np.ones(shape)
    return np.asarray(whole).astype(dtype.as_numpy_dtype)


def _sparse(stem: str, feeds: Feeds) -> Feeds:
    rank = max(feeds[f"{stem}/shape"].shape[0], 1)
    count = feeds[f"{stem}/values"].shape[0]
    indices = np.zeros([count, rank], np.int64)
    indices[:, 0] = np.arange(count)
    return {f"{stem}/indices": indices, f"{stem}/shape": np.array([count] + [4] * (rank - 1), np.int64)}


def _features(tensor: tf.Tensor) -> dict[bytes, tuple[tf.DType, int, bool]] | None:
    """What is parsed out of serialised examples that `tensor` has: dtype, size and whether it must be there, by key."""
    for reader in _readers(tensor):
        if reader.type == "ParseExample":
            sparse, dense = reader.get_attr("Nsparse"), reader.get_attr("Ndense")
            inputs = [_constant(each) for each in reader.inputs[2 : 2 + sparse + dense]]
            sparse_keys, dense_keys = inputs[:sparse], inputs[sparse:]
            defaults = reader.inputs[2 + sparse + dense :]
        elif reader.type in ("ParseExampleV2", "ParseSingleExample"):
            if reader.type == "ParseExampleV2":
                sparse_keys, dense_keys = (list(_constant(each).reshape(-1)) for each in reader.inputs[2:4])
                defaults = reader.inputs[5:]
            else:
                sparse_keys, dense_keys = reader.get_attr("sparse_keys"), reader.get_attr("dense_keys")
                defaults = reader.inputs[1:]
        else:
            continue
        shapes, types = reader.get_attr("dense_shapes"), reader.get_attr("Tdense")
        found = {
            _key(key): (dtype, 1, False)
            for key, dtype in zip(sparse_keys, reader.get_attr("sparse_types"), strict=True)
        }
        for key, dtype, shape, _default in zip(dense_keys, types, shapes, defaults, strict=True):
            size = tf.TensorShape(shape).num_elements()
            found[_key(key)] = (dtype, 1 if size is None else size, True)
        return found
    return None


def _readers(tensor: tf.Tensor) -> list[tf.Operation]:
    found, waiting = [], [tensor]
    while waiting:
        for reader in waiting.pop().consumers():
            found.append(reader)
            if reader.type in ("Identity", "Reshape", "ExpandDims", "Squeeze"):
                waiting += reader.outputs
    return found


def _constant(tensor: tf.Tensor) -> npt.NDArray[Any]:
    value = tf.get_static_value(tensor)
    return np.asarray(b"" if value is None else value)


def _key(key: Any) -> bytes:
    key = key.item() if isinstance(key, np.ndarray) else key
    return key.encode() if isinstance(key, str) else bytes(key)


def _example(features: Mapping[bytes, tuple[tf.DType, int, bool]], random: np.random.RandomState) -> bytes:
    example = tf.train.Example()
    for key, (dtype, size, _) in features.items():
        feature = example.features.feature[key.decode()]
        values = _values(tf.as_dtype(dtype), [size], random).tolist()
        if tf.as_dtype(dtype) == tf.string:
            feature.bytes_list.value.extend(values)
        elif tf.as_dtype(dtype).is_floating:
            feature.float_list.value.extend(values)
        else:
            feature.int64_list.value.extend(int(value) for value in values)
    content: bytes = example.SerializeToString(deterministic=True)
    return content


def rows_of(feeds: Feeds) -> int:
    """How many records the feeds have, where each goes by its first dimension; 1 where they don't agree."""
    counts = {value.shape[0] for value in feeds.values() if value.ndim}
    return counts.pop() if len(counts) == 1 else 1


def row(feeds: Feeds, number: int) -> Feeds:
    """One record."""
    return {name: value[number : number + 1] if value.ndim else value for name, value in feeds.items()}


def is_sparse(feeds: Feeds) -> bool:
    """Whether some of them are the parts of a sparse tensor, which has no rows to take one by one."""
    return any(
        name.endswith("/indices") and f"{node_of(name.removesuffix('/indices'))}/values" in feeds for name in feeds
    )
