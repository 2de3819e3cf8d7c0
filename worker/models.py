"""The models that a process has open: lazily, on the first batch that wants one, and kept by their sha256."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from graphs.errors import GraphError
from graphs.model_signature import Keys, readable, verify
from model.errors import ModelError
from worker.runtimes.registry import runtime_of
from worker.runtimes.runtime import Model, Runtime

log = logging.getLogger(__name__)
KEPT = 2  # the model of today and, while it is rolled out, that of tomorrow


class Delivered(NamedTuple):
    """A model's bytes as the server has them, and the id of the trusted key that signed them; empty if nobody asked."""

    data: bytes | None
    signer: str


class Opened(NamedTuple):
    """A model, what runs it, and who signed it, as `Delivered` says."""

    model: Model
    runtime: Runtime
    signer: str


class Models:
    """The models that one process keeps open. May be made before a fork, as long as nothing is opened before it."""

    def __init__(self, fetch: Callable[[str], Delivered], threads: int) -> None:
        """`fetch` returns a model for its digest, and raises ModelError for one that is not to be opened."""

        def opened(sha256: str) -> Opened:
            data, signer = fetch(sha256)
            return open_model(sha256, data, threads)._replace(signer=signer)

        self.open: Callable[[str], Opened] = lru_cache(KEPT)(opened)  # raises what open_model does


def check(sha256: str, data: bytes | None, signatures: Iterable[bytes], keys: Keys) -> Delivered:
    """The model, if a key of `keys` signed it. Raises ModelError if none did: then nobody is to open it, whatever is in
    it."""
    try:
        return Delivered(data, verify(sha256, readable(signatures), keys))
    except GraphError as error:
        raise ModelError(f"the model {sha256[:12]} {error}, and this worker takes signed ones alone") from None


def open_model(sha256: str, data: bytes | None, threads: int) -> Opened:
    """The model with that digest.

    Never in a process that forks: what is opened does not survive it. Raises ModelError if the bytes are missing, are
    not those of the digest, or are no model that a worker accepts.
    """
    if data is None:
        raise ModelError(f"the model {sha256[:12]} is not on the server")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError(f"the model on the server is not {sha256[:12]}: its digest differs")
    runtime = runtime_of(data)
    model = runtime.open(data, threads)
    log.warning("process %d opened a session on model %s", os.getpid(), sha256[:12])
    return Opened(model, runtime, "")
