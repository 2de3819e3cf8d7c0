"""`model inspect`."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from model.cli.console import as_json, import_tensorflow, tell, tell_path
from model.cli.tables import printable, show

if TYPE_CHECKING:
    from model.inspection import Input, Inspection, TensorInfo, Values

_LISTS = ("placeholders", "inputs", "outputs", "values")
_MOST = 8  # rows of a table for people; --json has all


@click.command()
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--for",
    "table",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Print the producer enqueue command that scores this table, and nothing else.",
)
@click.option(
    "--keys",
    metavar="PATH,...",
    envvar="NIGHTSHIFT_MODEL_KEYS",
    help="Public keys, or folders of such: say whether one of them signed it.  [default: NIGHTSHIFT_MODEL_KEYS]",
)
@as_json
def inspect(path: Path, table: Path | None, keys: str | None, as_json: bool) -> None:
    """Show what a model wants, what it gives, how large it is, and whether a worker would take it.

    PATH is a frozen .pb, a checkpoint (its directory, whose latest is meant, or its prefix) or a SavedModel (its
    directory). For the latter two it names the model freeze command that makes them scoreable. Nothing of the model is
    run, and a graph that a worker would refuse is not even imported: it is safe to look at a stranger's.

    \b
    model inspect spam.pb
    model inspect checkpoints
    model inspect checkpoints/model.ckpt-700 --json
    model inspect saved_model --json | jq .accepted
    model inspect cnn.pb --for data.csv

    With --for, the names of the table's columns and its first cells tell what may feed the graph; what is a guess is
    said on stderr. Where something is not found, the exit code is 1.

    The digest of a .pb is its sha256. That of a checkpoint or SavedModel, several files, is the sha256 of what
    sha256sum prints for them, in the order of their names: (cd DIR && sha256sum FILES | sha256sum). All their values
    are read, and their checksums compared.
    """
    if not (path.exists() or Path(f"{path}.index").exists()):
        raise click.BadParameter(f"{path} does not exist", param_hint="PATH")
    if table is not None:
        _print_command(path, table)
        return
    import_tensorflow()
    from model import inspection

    found = inspection.inspect_path(path)
    signed = _signed(path, found.sha256, keys) if path.is_file() else None
    if as_json:
        click.echo(json.dumps({"path": str(path), **_as_dict(found), "signature": signed and signed._asdict()}))
    else:
        _print(path, found, signed)


class Signed(NamedTuple):
    """What the file beside a model says of it: whose key (its id), whether that signed this very file, and whether it
    is among the keys that one trusts; None if nobody said which these are."""

    key: str
    holds: bool
    trusted: bool | None


def _signed(path: Path, sha256: str, keys: str | None) -> Signed | None:
    """None if it is not signed. Raises GraphError if what is beside it is no signature, or the keys are none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from graphs.model_signature import read_beside
    from graphs.signing_keys import trusted

    known = trusted(Path(each.strip()) for each in keys.split(",") if each.strip()) if keys else None
    signature = read_beside(path)
    if signature is None:
        return None
    holds = signature.holds(sha256, Ed25519PublicKey.from_public_bytes(signature.public_key))
    return Signed(signature.key, holds, None if known is None else holds and signature.key in known)


def _signature_line(signed: Signed | None) -> str:
    if signed is None:
        return "not signed"
    if not signed.holds:
        return f"not signed: the signature beside it, by the key {signed.key}, is not of this file"
    told = {None: "", True: ", which is trusted", False: ", which is not trusted"}
    return f"signed by the key {signed.key}{told[signed.trusted]}"


def _print_command(path: Path, table: Path) -> None:
    """The command that scores a table, found without TensorFlow."""
    from model.command import command_for

    found = command_for(path, table)
    for sentence in found.told:
        tell(f"model: {sentence}", err=True)
    tell_path(shlex.join(found.words))
    if not found.is_whole:
        raise SystemExit(1)


def _as_dict(found: "Inspection") -> dict[str, object]:
    lists = {name: [each._asdict() for each in getattr(found, name)] for name in _LISTS}
    lists |= {name: [each._asdict() for each in getattr(found, name)] for name in ("refused", "allowed")}
    rules = None if found.rules is None else json.loads(found.rules.to_json())
    return {**found._asdict(), **lists, "rules": rules}


def _print(path: Path, found: "Inspection", signed: Signed | None) -> None:
    import tensorflow as tf

    tell(f"{path}: {found.kind}, {found.nodes} nodes, {found.bytes:,} bytes")
    tell(f"sha256 {found.sha256}" + (f" of {', '.join(found.files)}" if len(found.files) > 1 else ""))
    if found.nodes:
        written = f"TensorFlow {found.tensorflow}" if found.tensorflow else "a release of TensorFlow it does not record"
        tell(f"written by {written}, GraphDef version {found.producer}")
    what = "constants" if found.kind == "frozen graph" else "variables"
    trainable = f", {found.trainable:,} of them trainable" if found.trainable is not None else ""
    tell(f"{found.parameters:,} parameters in {len(found.values)} {what}{trainable}")
    tell(_signature_line(signed))
    if found.accepted:
        tell(f"accepted by a worker with TensorFlow {tf.__version__}")
    else:
        tell(f"not accepted by a worker: {found.why_not}")
    for node, op, why in found.allowed:
        tell(f"only where NIGHTSHIFT_ALLOW_OPS has it: {_safe(node)} is the op {_safe(op)}, which {why}")
    if found.rows:
        tell(f"rows: {_safe(found.rows)}")
    for node, op, why in found.refused:
        tell(f"refused: {_safe(node)} is the op {_safe(op)}, which {why}")
    if found.freeze:
        tell(f"to make it scoreable: {_safe(found.freeze)}")
    if found.rules is not None:
        from model.rules import listing

        click.echo()
        tell(f"rules: {listing.thresholds(found.rules)}")
        show(listing.HEADER, [tuple(map(_safe, row)) for row in listing.rows(found.rules)])
    _print_tables(found, what)


def _print_tables(found: "Inspection", what: str) -> None:
    if found.inputs:
        click.echo()
        inputs = [(_safe(each.name), each.dtype, _shape(each), _safe(each.fed_from)) for each in found.inputs]
        show(("input", "dtype", "shape", "fed from"), inputs)
    tensors = [] if found.inputs else [("placeholder", each) for each in found.placeholders]
    tensors += [("output", each) for each in found.outputs]
    if tensors:
        click.echo()
        show(
            ("role", "node", "dtype", "shape"),
            [(role, _safe(each.name), each.dtype, _shape(each)) for role, each in tensors],
        )
    if found.values:
        largest = sorted(found.values, key=lambda each: (-each.bytes, each.name))
        rows = [
            (_safe(each.name), each.dtype, _shape(each), f"{each.parameters:,}", f"{each.bytes:,}") for each in largest
        ]
        click.echo()
        show((what.removesuffix("s"), "dtype", "shape", "parameters", "bytes"), rows[:_MOST], numbers=(3, 4))
        _more(rows)
    if found.ops:
        click.echo()
        ops = [(_safe(op), str(count)) for op, count in found.ops.items()]
        show(("op", "nodes"), ops[:_MOST], numbers=(1,))
        _more(ops)


def _more(rows: Sequence[object]) -> None:
    if len(rows) > _MOST:
        click.echo(f"and {len(rows) - _MOST} more: --json has all")


def _shape(tensor: "Input | TensorInfo | Values") -> str:
    return "unknown" if tensor.shape is None else str(tensor.shape)


def _safe(name: str) -> str:
    """Names in a stranger's graph are a stranger's text."""
    return printable(name.encode("utf-8", "surrogateescape"))
