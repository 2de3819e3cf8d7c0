"""What happens to a text is the same for all: one session a process, one thread, 1,024 texts a `sess.run`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MICRO_BATCH = 1024


class Scorer:
    """A session on the frozen graph. TensorFlow is imported here, in the process that scores.

    `prepared`: not by `sess.run`, as everybody else, but by the session's callable, as Nightshift's workers
    (worker/runtimes/tensorflow.py says why)."""

    def __init__(self, model: Path | str, prepared: bool = False) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from tensorflow.compat import v1
        from tensorflow.core.protobuf.config_pb2 import CallableOptions

        graph_def = v1.GraphDef.FromString(Path(model).read_bytes())
        with v1.Graph().as_default() as graph:
            v1.import_graph_def(graph_def, name="")
        config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        session = v1.Session(graph=graph, config=config)
        if prepared:
            options = CallableOptions(feed=["text:0"], fetch=["score:0"])
            call = session._make_callable_from_options(options)
            self._run: Callable[[Any], Any] = lambda texts: call(texts)[0]
        else:
            self._run = lambda texts: session.run("score:0", {"text:0": texts})

    def __call__(self, texts: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Texts are an object array of bytes or str."""
        parts = [self._run(texts[start : start + MICRO_BATCH]) for start in range(0, len(texts), MICRO_BATCH)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)
