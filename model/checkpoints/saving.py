"""Writing checkpoints with `tf.train.Saver`: the four files, which of them to keep, and which variables go in.

Saver writes values under temporary names, renames them, then names the newest in the file `checkpoint`; a process
killed at any moment leaves the latest checkpoint whole. The graph is the exception, which Saver writes last: here it
goes first.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compat import v1

from formats.files import safe
from model.checkpoints import checkpoint
from model.checkpoints.checkpoint import BASENAME, STATE
from model.errors import ModelError

_LEFT_BY_A_KILL = (f"{BASENAME}*.tempstate*", f"{BASENAME}*.meta.tmp*", f"{STATE}.tmp*")
_NEVER = 1e6  # hours


class Policy(NamedTuple):
    """When to save, what, and how many to keep."""

    every: int = 100  # steps
    keep: int = 5  # the newest ones; 0 keeps all
    keep_every_hours: float | None = None  # and one for so many hours of training, for good
    meta_graph: bool = True  # a .meta with each checkpoint; else the graph is written once, as model.ckpt.meta
    variables: Sequence[str] | Mapping[str, str] | None = None  # names, or {name in the checkpoint: name in the graph}


DEFAULT = Policy()


class Writer:
    """Saves one session's variables into one directory, as a policy says. Makes the directory if it is absent."""

    def __init__(self, session: v1.Session, directory: Path, policy: Policy = DEFAULT) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        safe.check_folder(directory)  # its files have names that can be foreseen
        self._session, self._directory, self._policy = session, directory, policy
        self._absolute = directory.resolve()  # Saver notes paths relative to the directory only if given absolute ones
        with session.graph.as_default():
            self._saver = v1.train.Saver(
                select(session.graph, policy.variables),
                max_to_keep=policy.keep,
                keep_checkpoint_every_n_hours=policy.keep_every_hours or _NEVER,
                save_relative_paths=True,
            )
        # So that the checkpoints of a run that was interrupted count, and make room, as if it never was.
        noted = checkpoint.state(self._absolute)
        if noted is not None and policy.keep:
            self._saver.recover_last_checkpoints(noted.all_model_checkpoint_paths)
        self._wrote_graph = False

    def save(self, step: int) -> str:
        """Write `model.ckpt-<step>`, the latest from now on; return its prefix. ModelError if the disk refuses."""
        try:
            if self._policy.meta_graph or not self._wrote_graph:
                name = f"{BASENAME}-{step}.meta" if self._policy.meta_graph else f"{BASENAME}.meta"
                with self._session.graph.as_default():
                    self._saver.export_meta_graph(str(self._absolute / name))
                self._wrote_graph = True
            self._saver.save(self._session, str(self._absolute / BASENAME), global_step=step, write_meta_graph=False)
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise ModelError(f"cannot save a checkpoint in {self._directory}: {error}") from None
        return str(self._directory / f"{BASENAME}-{step}")


def save(session: v1.Session, directory: Path, step: int, policy: Policy = DEFAULT) -> str:
    """Write one checkpoint of the session to `directory`; return the prefix, which ends in the step."""
    return Writer(session, directory, policy).save(step)


def select(graph: tf.Graph, names: Sequence[str] | Mapping[str, str] | None) -> dict[str, tf.Variable] | None:
    """Return {name in the checkpoint: variable} for Saver, None for all. ModelError if the graph has none
    of these."""
    if names is None:
        return None
    with graph.as_default():
        known = {variable.op.name: variable for variable in v1.global_variables()}
    wanted = names if isinstance(names, Mapping) else {name: name for name in names}
    absent = [name for name in wanted.values() if name not in known]
    if absent:
        raise ModelError(f"the graph has no variable {absent[0]!r}; it has {', '.join(sorted(known))}")
    return {saved: known[name] for saved, name in wanted.items()}


def tidy(directory: Path) -> None:
    """Remove the temporary files that a process killed while it saved has left."""
    for pattern in _LEFT_BY_A_KILL:
        for path in directory.glob(pattern):
            path.unlink(missing_ok=True)


def clear(directory: Path) -> None:
    """Remove all checkpoints that a `Writer` made in the directory, and nothing else."""
    for path in (directory / STATE, directory / f"{BASENAME}.meta", *directory.glob(f"{BASENAME}-*")):
        path.unlink(missing_ok=True)
    tidy(directory)
