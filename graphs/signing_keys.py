"""The ed25519 keys that sign models and that are trusted to, as files: PEM, as OpenSSL reads and writes them."""

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from graphs.errors import GraphError
from graphs.model_signature import Keys, key_id

PUBLIC = ".pub"  # the suffix of the public half
SUFFIXES = (PUBLIC, ".pem")  # what is taken for a key in a folder
LARGEST = 16384  # bytes of a key's file


def make_key(path: Path) -> str:
    """Writes a new private key to `path`, readable by its owner alone, and the public one beside it, to `path`.pub; the
    key's id. Raises GraphError if either is there."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    key = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_new(path, key, 0o600)
    try:
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        _write_new(path.with_name(path.name + PUBLIC), pem, 0o644)
    except BaseException:
        path.unlink()
        raise
    return key_id(public)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
    except OSError as error:
        raise GraphError(f"{path}: {error.strerror}") from None


def read_private(path: Path) -> Ed25519PrivateKey:
    """Raises GraphError for a file that is no private ed25519 key, or an encrypted one."""
    data = _read(path)
    try:
        key = serialization.load_pem_private_key(data, None)
    except TypeError:
        raise GraphError(f"{path} is encrypted; `openssl pkey -in {path}` decrypts it") from None
    except (ValueError, UnsupportedAlgorithm):
        raise GraphError(f"{path} is no private key (PEM), as `model key` writes it") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise GraphError(f"{path} is a private key of another kind than ed25519")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """Raises GraphError for a file that is no public ed25519 key."""
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise GraphError(f"{path} is a private key: keep it where models are signed, and give out {path.name}{PUBLIC}")
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise GraphError(f"{path} is no public key (PEM), as `model key` writes it") from None
    if not isinstance(key, Ed25519PublicKey):
        raise GraphError(f"{path} is a public key of another kind than ed25519")
    return key


def trusted(places: Iterable[Path]) -> Keys:
    """The public keys in these files, and in these folders' files that end in .pub or .pem. Raises GraphError for what
    is no such key, and if there is none at all: then nothing could be trusted."""
    listed = list(places)
    keys = [read_public(path) for place in listed for path in _files(place)]
    if not keys:
        raise GraphError(f"{', '.join(map(str, listed))}: no public key is there (.pub or .pem)")
    return {key_id(key): key for key in keys}


def _files(place: Path) -> list[Path]:
    try:
        if not place.is_dir():
            return [place]
        return sorted(path for path in place.iterdir() if path.suffix in SUFFIXES and path.is_file())
    except OSError as error:
        raise GraphError(f"{place}: {error.strerror}") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise GraphError(f"{path}: {error.strerror}") from None
