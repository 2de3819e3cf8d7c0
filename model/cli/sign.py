"""`model key` and `model sign`."""

from pathlib import Path

import click

from model.cli.console import PLACE, tell


@click.command()
@click.argument("path", metavar="FILE", type=PLACE)
def key(path: Path) -> None:
    """Make a key that signs models: FILE, the private half, and FILE.pub, the public one. Prints the key's id.

    Keep FILE where models are made and nowhere else (it is readable by you alone, and not encrypted); give FILE.pub to
    producers and workers. Both are PEM files of ed25519 keys, so keys that OpenSSL made are good, too.

    \b
    model key release
    model sign spam.pb --key release
    producer enqueue night.csv --model spam.pb --require-signature release.pub
    """
    from graphs.signing_keys import make_key

    tell(f"{make_key(path)}  {path}")


@click.command()
@click.argument("path", metavar="MODEL", type=PLACE)
@click.option("--key", required=True, metavar="FILE", type=PLACE, help="The private key, as model key writes it.")
def sign(path: Path, key: Path) -> None:
    """Sign a frozen graph: writes MODEL.sig beside it, and prints the key's id.

    The signature is of the file's SHA-256, so each new MODEL is signed anew. It goes where the model goes: producers
    with --require-signature, and producers and workers with NIGHTSHIFT_MODEL_KEYS, take no model without the signature
    of a key that they know. model inspect says who signed a file.

    \b
    model sign spam.pb --key release
    """
    from graphs import kinds, messages
    from graphs.errors import GraphError
    from graphs.model_signature import ModelSignature, beside
    from graphs.signing_keys import read_private
    from model.errors import ModelError

    kind = kinds.of(path)
    if kind is not None:
        raise ModelError(kind.said_of(path))
    data = path.read_bytes()
    try:
        messages.parse(data)
    except GraphError:
        raise ModelError(f"{path} is no frozen graph, as model freeze writes it") from None
    signature = ModelSignature.make(data, read_private(key))
    beside(path).write_bytes(signature.encode())
    tell(f"{signature.key}  {beside(path)}")
