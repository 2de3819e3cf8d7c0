"""The lazily loaded session: opened on a process's first batch, cached by the model's sha256."""

import hashlib
import logging
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from model import frozen
from model.errors import ModelError

log = logging.getLogger(__name__)


@lru_cache(maxsize=2)  # the model of today and, while it is rolled out, that of tomorrow
def open_session(sha256: str, fetch: Callable[[str], bytes | None], threads: int) -> Any:
    """A `tf.compat.v1.Session` over the frozen graph whose bytes `fetch` returns for its digest.

    Never in a process that forks: a session does not survive it. Raises ModelError if the bytes are missing, are not
    those of the digest, or are no graph that a worker accepts.
    """
    import tensorflow as tf

    graph_bytes = fetch(sha256)
    if graph_bytes is None:
        raise ModelError(f"the model {sha256[:12]} is not on the server")
    if hashlib.sha256(graph_bytes).hexdigest() != sha256:
        raise ModelError(f"the model on the server is not {sha256[:12]}: its digest differs")
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    config.gpu_options.allow_growth = True
    session = tf.compat.v1.Session(graph=frozen.load(graph_bytes), config=config)
    log.warning("process %d opened a session on model %s", os.getpid(), sha256[:12])
    return session
