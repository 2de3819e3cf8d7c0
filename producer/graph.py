"""What a frozen graph on disk wants and gives, read without TensorFlow: its placeholders and its terminal nodes."""

import hashlib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from graphs import kinds, messages, verdict, walk
from graphs.errors import GraphError
from graphs.signature import Signature

_ANY = verdict.OpList("a worker", None)  # whichever TensorFlow it has
_CHECKPOINT_PART = re.compile(r"(?P<prefix>.+)\.(meta|index|data-\d{5}-of-\d{5})")
MAX_BYTES = 512 << 20  # of a value in Redis


@dataclass(frozen=True, slots=True)
class Graph:
    """A frozen graph: its bytes, their digest, what can be fed and fetched, and which nodes a worker refuses whatever
    its TensorFlow."""

    path: Path
    sha256: str
    data: bytes
    signature: Signature
    refused: tuple[verdict.Refusal, ...] = ()
    signed: bytes | None = None  # its signature (graphs/model_signature.py), if one is beside it
    signer: str = ""  # the id of the trusted key that made that; empty if nobody asked


def read_graph(path: Path) -> Graph:
    """Reads a frozen `.pb`. Raises GraphError, in one line, for a file that is none."""
    unfrozen = _unfrozen(path)
    if unfrozen is not None:
        kind, place = unfrozen
        command = shlex.join(["model", "freeze", str(place), "--output", f"{place.resolve().name}.pb"])
        raise GraphError(f"{path} is {kind}, not a frozen graph; this makes one: {command}")
    if path.is_dir():
        raise GraphError(f"{path} is a directory, not a frozen graph (a .pb, as `model freeze` writes it)")
    try:
        other = kinds.of(path)
        if other is not None:
            raise GraphError(other.said_of(path))
        data = path.read_bytes()
    except OSError as error:
        raise GraphError(f"{path}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise GraphError(f"{path}: {len(data)} bytes, more than the {MAX_BYTES} that Redis holds in a value")
    try:
        graph_def = messages.parse(data)
    except GraphError:
        raise GraphError(f"{path} is no frozen graph (a GraphDef, as `model freeze` writes it)") from None
    variables = walk.variables(graph_def)
    if variables:
        raise GraphError(f"{path} has the variable {variables[0]!r}, so it is not frozen: see `model freeze --help`")
    try:
        signature = Signature.of(graph_def)
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from None
    refused = tuple(verdict.refusals(graph_def, _ANY))
    return Graph(path, hashlib.sha256(data).hexdigest(), data, signature, refused)


def _unfrozen(path: Path) -> tuple[str, Path] | None:
    """What `path` is that could be frozen, and what to freeze; None if it is neither checkpoint nor SavedModel.

    Told by the names of files, which TensorFlow gives: what is in them is for TensorFlow to read.
    """
    if (path / "saved_model.pb").is_file():
        return "a SavedModel", path
    if path.name == "saved_model.pb" and path.is_file():
        return "a SavedModel", path.parent
    if (path / "checkpoint").is_file() or (path.is_dir() and any(path.glob("*.index"))):
        return "a directory of checkpoints", path
    if path.name == "checkpoint" and path.is_file():
        return "part of a directory of checkpoints", path.parent
    part = _CHECKPOINT_PART.fullmatch(path.name)
    prefix = path.with_name(part["prefix"]) if part else path
    if path.with_name(f"{prefix.name}.index").is_file():
        return "part of a checkpoint" if part else "a checkpoint", prefix
    return None
