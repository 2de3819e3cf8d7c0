"""Checkpoints, the classic way: finding them, reading them, and bringing graph and values back.

`model.checkpoints.saving` writes them. Nothing here knows whose graph it is.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.compat import v1

from model import sessions
from model.errors import ModelError, reason
from model.graph import foreign

BASENAME = "model.ckpt"
STATE = "checkpoint"  # the file in which Saver notes which checkpoint of a directory is the latest

# What reading a checkpoint that is torn raises, depending on where it is.
UNREADABLE = (tf.errors.OpError, ValueError, RuntimeError, LookupError)

_PART = re.compile(r"(?P<prefix>.+)\.(meta|index|data-\d{5}-of-\d{5})")
_STEP = re.compile(r"(?P<stem>.+)-(?P<step>\d+)")


class Variable(NamedTuple):
    """One entry of a checkpoint."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def find(place: Path) -> str:
    """Return a checkpoint's prefix.

    `place` is a directory, whose latest checkpoint is meant, a prefix, or one of a checkpoint's files. Raises
    ModelError if there is none, and if the latest is incomplete: an older one is never taken in its stead.
    """
    part = _PART.fullmatch(str(place))
    prefix = part["prefix"] if part else str(place)
    if exists(prefix):
        return prefix
    directory = place.parent if place.name == STATE and place.is_file() else place
    if (directory / STATE).is_file():
        return _latest(directory)
    if saved(directory):
        raise ModelError(
            f"{directory} has no file {STATE!r} that says which is the latest: name one, as in {saved(directory)[-1]}"
        )
    if part and place.is_file():
        raise ModelError(f"{prefix}.index is missing, so {place} is no whole checkpoint")
    if place.is_file():
        raise ModelError(f"no checkpoint in {place}: it is a file of another kind")
    raise ModelError(f"no checkpoint in {place}: model train LABELLED.csv --checkpoints {place} makes one")


def exists(prefix: str) -> bool:
    """Whether there is a checkpoint's index, or, of one in TensorFlow's first format, the file of values itself."""
    if Path(f"{prefix}.index").is_file():
        return True
    return Path(f"{prefix}.meta").is_file() and (Path(prefix).is_file() or bool(_shards(prefix)))


def _shards(prefix: str) -> list[Path]:
    path = Path(prefix)
    return [
        each
        for each in path.parent.glob("*-of-*")
        if re.fullmatch(rf"{re.escape(path.name)}-\d{{5}}-of-\d{{5}}", each.name)
    ]


def state(directory: Path) -> Any:
    """What the directory's file `checkpoint` says: a CheckpointState, None if the file is absent or torn."""
    try:
        found = v1.train.get_checkpoint_state(str(directory))
    except ValueError:  # it parses, and names nothing
        return None
    return found if found is not None and found.model_checkpoint_path else None


def _latest(directory: Path) -> str:
    noted = state(directory)
    if noted is None:
        raise ModelError(f"{directory / STATE} is torn; {advice(directory)}")
    # The directory may have been moved since a path was written.
    named = [noted.model_checkpoint_path, str(directory / Path(noted.model_checkpoint_path).name)]
    for prefix in named:
        if exists(prefix):
            return str(directory / Path(prefix).name) if Path(prefix).parent.samefile(directory) else prefix
    raise ModelError(f"{directory / STATE} names {named[1]}, whose .index is missing; {advice(directory, named[1])}")


def step_of(prefix: str) -> int:
    """The step that a prefix ends in, as `model.ckpt-700` does; -1 if it has none."""
    matched = _STEP.fullmatch(prefix)
    return int(matched["step"]) if matched else -1


def saved(directory: Path) -> list[str]:
    """The prefixes of a directory's checkpoints, whole or not, by step."""
    prefixes = [str(index).removesuffix(".index") for index in directory.glob("*.index")]
    graphs = [str(graph).removesuffix(".meta") for graph in directory.glob("*.meta")]
    prefixes += [prefix for prefix in graphs if prefix not in prefixes and exists(prefix)]
    return sorted(prefixes, key=lambda prefix: (step_of(prefix), prefix))


def fault(prefix: str) -> str | None:
    """Read every value of a checkpoint, checksums and all; return what is wrong with it, None if it is whole."""
    try:
        reader = tf.train.load_checkpoint(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except UNREADABLE as error:
        return str(error)
    return None


def advice(directory: Path, torn: str | None = None) -> str:
    """Say what to do when a directory's latest checkpoint, `torn`, cannot be used: name the newest whole one."""
    others = [prefix for prefix in reversed(saved(directory)) if prefix != torn and step_of(prefix) >= 0]
    whole = next((prefix for prefix in others if fault(prefix) is None), None)
    if whole is None:
        return f"{directory} has no other that is whole: start over (--again), or bring its files back"
    return f"{whole} is whole: name it instead of {directory}, or train on from it with --from-step {step_of(whole)}"


def read(prefix: str) -> Any:
    """Open a checkpoint's index: a CheckpointReader. ModelError if it cannot be read."""
    try:
        return tf.train.load_checkpoint(prefix)
    except UNREADABLE as error:
        raise ModelError(f"cannot read the checkpoint {prefix}: {error}") from None


def variables(prefix: str) -> list[Variable]:
    """List what a checkpoint holds, by name. ModelError if it cannot be read."""
    reader = read(prefix)
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    return [Variable(name, dtypes[name].name, tuple(shapes[name])) for name in sorted(shapes)]


def digest(prefix: str) -> str:
    """The sha256 of a checkpoint's index, which has a checksum of each value; of the first format, of its file."""
    index = Path(f"{prefix}.index")
    return hashlib.sha256((index if index.is_file() else Path(prefix)).read_bytes()).hexdigest()


def meta(prefix: str) -> v1.MetaGraphDef:
    """Return a checkpoint's graph. ModelError if it is missing or torn.

    It is in `<prefix>.meta`, or in the file of the same name without the step, or with the nearest earlier step: a
    graph may be written only once.
    """
    path = _meta_path(prefix)
    found = v1.MetaGraphDef()
    try:
        found.ParseFromString(path.read_bytes())
    except OSError as error:
        raise ModelError(f"cannot read the checkpoint's graph {path}: {error.strerror}") from None
    except Exception as error:  # protobuf's C++ and Python parsers raise different ones
        raise ModelError(f"cannot read the checkpoint's graph {path}: it is torn ({error})") from None
    if not found.graph_def.node:
        raise ModelError(f"cannot read the checkpoint's graph {path}: it has no nodes")
    return found


def _meta_path(prefix: str) -> Path:
    own = Path(f"{prefix}.meta")
    matched = _STEP.fullmatch(prefix)
    if own.is_file() or matched is None:
        return own
    once = Path(f"{matched['stem']}.meta")
    earlier = [
        path
        for path in own.parent.glob(f"{Path(matched['stem']).name}-*.meta")
        if 0 <= step_of(str(path).removesuffix(".meta")) <= int(matched["step"])
    ]
    newest = max(earlier, key=lambda path: step_of(str(path).removesuffix(".meta")), default=own)
    return once if once.is_file() else newest


@contextmanager
def imported(prefix: str) -> Iterator[tuple[v1.Session, v1.train.Saver]]:
    """Yield a session on the checkpoint's own graph, its values not restored yet, and the graph's saver.

    The graph may be a stranger's. Restoring it is safe: its restore op was looked at. Who runs anything else of it
    looks at that first: `foreign.refuse_unsafe_run`.
    """
    meta_graph = meta(prefix)
    foreign.refuse_unsafe_loading(meta_graph)
    with v1.Graph().as_default() as graph:
        try:
            saver = v1.train.import_meta_graph(meta_graph, clear_devices=True)
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise ModelError(f"cannot read the checkpoint's graph {_meta_path(prefix)}: {error}") from None
        if saver is None:
            raise ModelError(f"{_meta_path(prefix)} has no saver: its graph has no variables")
        with v1.Session(graph=graph, config=sessions.as_written()) as session:
            yield session, saver


@contextmanager
def restored(prefix: str) -> Iterator[v1.Session]:
    """Yield a session on the checkpoint's own graph, values restored. ModelError if a file is missing or torn."""
    with imported(prefix) as (session, saver):
        restore(session, saver, prefix)
        yield session


def restore(session: v1.Session, saver: v1.train.Saver, prefix: str) -> None:
    """Give the saver's variables their values. ModelError, naming a whole checkpoint beside it, if a file is torn."""
    try:
        saver.restore(session, prefix)
    except (ValueError, tf.errors.OpError) as error:
        raise ModelError(
            f"cannot restore {prefix}: {fault(prefix) or reason(error)}; {advice(Path(prefix).parent, prefix)}"
        ) from None
