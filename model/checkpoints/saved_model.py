"""SavedModels, v1's and TF2's: which graph and signature are meant, and a session that holds them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.compat import v1
from tensorflow.core.protobuf import saved_model_pb2

from model import sessions
from model.checkpoints import checkpoint
from model.errors import ModelError

FILE = "saved_model.pb"
_DEFAULT_TAG = "serve"
_DEFAULT_SIGNATURE = "serving_default"


class Restored(NamedTuple):
    """A session with the SavedModel's values, and its signature: {name: tensor} of inputs and outputs; {} without."""

    session: v1.Session
    signature: dict[str, str]


def directory(place: Path) -> Path | None:
    """The directory of the SavedModel that `place` is, or whose saved_model.pb it is; None if it is none."""
    if (place / FILE).is_file():
        return place
    return place.parent if place.name == FILE and place.is_file() else None


@contextmanager
def restored(path: Path, tags: Sequence[str] = (), signature: str | None = None) -> Iterator[Restored]:
    """Load the SavedModel in the directory `path`.

    `tags` default to serve, or the only ones there are; `signature` to serving_default, or the only one. Raises
    ModelError if there is none such, or if a file is missing or torn.
    """
    chosen = _choose(path, tags)
    with v1.Graph().as_default() as graph, v1.Session(graph=graph, config=sessions.as_written()) as session:
        try:
            meta_graph = v1.saved_model.load(session, list(chosen), str(path))
        except (OSError, RuntimeError, KeyError, ValueError, tf.errors.OpError) as error:
            raise ModelError(f"cannot load the SavedModel {path}: {checkpoint.reason(error)}") from None
        yield Restored(session, _signature(path, meta_graph, signature))


def _choose(path: Path, tags: Sequence[str]) -> list[str]:
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((path / FILE).read_bytes())
    except DecodeError:
        raise ModelError(f"cannot read {path / FILE}: it is torn, or no SavedModel") from None
    found = [sorted(each.meta_info_def.tags) for each in saved.meta_graphs]
    wanted = sorted(tags) or (found[0] if len(found) == 1 else [_DEFAULT_TAG])
    if wanted not in found:
        there = "; ".join(" ".join(f"--tag {tag}" for tag in each) or "no tag" for each in found) or "none"
        raise ModelError(f"{path} has no graph tagged {', '.join(wanted)}; it has: {there}")
    return wanted


def _signature(path: Path, meta_graph: v1.MetaGraphDef, wanted: str | None) -> dict[str, str]:
    found = {key: each for key, each in meta_graph.signature_def.items() if not key.startswith("__saved_model")}
    if wanted is None:
        wanted = next(iter(found)) if len(found) == 1 else _DEFAULT_SIGNATURE
        if wanted not in found:
            return {}
    if wanted not in found:
        raise ModelError(f"{path} has no signature {wanted!r}; it has: {', '.join(sorted(found)) or 'none'}")
    tensors = {**found[wanted].inputs, **found[wanted].outputs}
    for name, tensor in tensors.items():
        if not tensor.name:
            raise ModelError(f"{name!r} of the signature {wanted!r} is not one dense tensor: freeze a node with --node")
    return {name: tensor.name for name, tensor in tensors.items()}
