"""Checkpoints, the classic way: `tf.train.Saver` writes them, `import_meta_graph` brings graph and values back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compat import v1

from model.errors import ModelError

BASENAME = "model.ckpt"


class Variable(NamedTuple):
    """One entry of a checkpoint."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def save(session: v1.Session, directory: Path, step: int) -> str:
    """Write the session's variables and graph to `directory`; return the prefix, which ends in the step."""
    directory.mkdir(parents=True, exist_ok=True)
    with session.graph.as_default():
        saver = v1.train.Saver()
    prefix: str = saver.save(session, str(directory / BASENAME), global_step=step)
    return prefix


def find(place: Path) -> str:
    """Return a checkpoint's prefix: the newest one in the directory `place`, or `place` itself. ModelError if none."""
    if Path(f"{place}.index").is_file():
        return str(place)
    prefix: str | None = v1.train.latest_checkpoint(str(place)) if place.is_dir() else None
    if prefix is None:
        raise ModelError(f"no checkpoint in {place}: model train LABELLED.csv --checkpoints {place} makes one")
    return prefix


def variables(prefix: str) -> list[Variable]:
    """List what a checkpoint holds, by name. ModelError if it cannot be read."""
    try:
        reader = tf.train.load_checkpoint(prefix)
    except (tf.errors.OpError, ValueError) as error:
        raise ModelError(f"cannot read the checkpoint {prefix}: {error}") from None
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    return [Variable(name, dtypes[name].name, tuple(shapes[name])) for name in sorted(shapes)]


@contextmanager
def restored(prefix: str) -> Iterator[v1.Session]:
    """Yield a session on the checkpoint's own graph, values restored. ModelError if a file is missing or torn."""
    with v1.Graph().as_default() as graph:
        try:
            saver = v1.train.import_meta_graph(f"{prefix}.meta", clear_devices=True)
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise ModelError(f"cannot read the checkpoint's graph {prefix}.meta: {error}") from None
        if saver is None:
            raise ModelError(f"{prefix}.meta has no saver: its graph has no variables")
        with v1.Session(graph=graph) as session:
            try:
                saver.restore(session, prefix)
            except (ValueError, tf.errors.OpError) as error:
                raise ModelError(f"cannot restore {prefix}: {error}") from None
            yield session
