"""What TensorBoard shows of a training run: event files, written as the steps go by."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import tensorflow as tf
from tensorflow.compat import v1


class Writer:
    """Writes scalars into a new event file in `directory`, or nowhere if that is None. A context manager."""

    def __init__(self, directory: Path | None, graph: tf.Graph, step: int) -> None:
        """Begin at `step`, the last one already done: what an interrupted run wrote of later ones is withdrawn."""
        self._writer = None
        if directory is not None:
            with graph.as_default():  # the graph-mode writer refuses to be made without one
                # The suffix, for two lives of a run within one second: their files would have one name.
                self._writer = v1.summary.FileWriter(str(directory), graph, filename_suffix=f".{step + 1}")
            self._writer.add_session_log(v1.SessionLog(status=v1.SessionLog.START), step + 1)

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Note a step's figures by name."""
        if self._writer is not None:
            values = [v1.Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
            self._writer.add_summary(v1.Summary(value=values), step)

    def flush(self) -> None:
        """Have everything so far on disk."""
        if self._writer is not None:
            self._writer.flush()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()
