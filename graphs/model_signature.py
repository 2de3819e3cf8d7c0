"""Signatures of models: who vouches for a file, proved by ed25519 over its SHA-256.

`spam.pb.sig` stands beside `spam.pb`: one JSON object with `format`, `sha256` (of the file), `key` (the signer's id),
`public_key` and `signature` (base64). Whoever checks knows the keys it trusts; the one in the file only says whose it
is. What is signed is DOMAIN and the digest's 32 bytes, so that a signature made for anything else is none for a model.
"""

import base64
import binascii
import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from graphs.errors import GraphError

SUFFIX = ".sig"
FORMAT = 1
DOMAIN = b"nightshift model signature 1\n"
LARGEST = 4096  # bytes of a signature file
_SHA256 = re.compile(r"[0-9a-f]{64}")

Keys = Mapping[str, Ed25519PublicKey]  # by their ids


def key_id(key: Ed25519PublicKey) -> str:
    """Sixteen hexadecimal digits: the beginning of the SHA-256 of the key's 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """One signer's word for one file."""

    sha256: str
    public_key: bytes  # 32 bytes
    signature: bytes  # 64 bytes

    @classmethod
    def make(cls, data: bytes, key: Ed25519PrivateKey) -> Self:
        """Signs a model's bytes."""
        digest = hashlib.sha256(data)
        return cls(digest.hexdigest(), key.public_key().public_bytes_raw(), key.sign(DOMAIN + digest.digest()))

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Raises GraphError for what `encode` did not make."""
        try:
            if len(text) > LARGEST:
                raise ValueError
            fields = json.loads(text)
            if fields["format"] != FORMAT:
                raise GraphError(f"it has the format {fields['format']!r}, and {FORMAT} is known here")
            found = cls(fields["sha256"], _decoded(fields["public_key"], 32), _decoded(fields["signature"], 64))
            if not _SHA256.fullmatch(found.sha256) or fields["key"] != found.key:
                raise ValueError
        except (ValueError, TypeError, KeyError, RecursionError):
            raise GraphError("it is no signature, as `model sign` writes it") from None
        return found

    def encode(self) -> bytes:
        fields = {
            "format": FORMAT,
            "sha256": self.sha256,
            "key": self.key,
            "public_key": base64.b64encode(self.public_key).decode(),
            "signature": base64.b64encode(self.signature).decode(),
        }
        return json.dumps(fields, indent=1).encode() + b"\n"

    @property
    def key(self) -> str:
        """The id of the key that it says it was made with."""
        return key_id(Ed25519PublicKey.from_public_bytes(self.public_key))

    def holds(self, sha256: str, key: Ed25519PublicKey) -> bool:
        """Whether the owner of `key` signed the file of this digest."""
        if self.sha256 != sha256:
            return False
        try:
            key.verify(self.signature, DOMAIN + bytes.fromhex(sha256))
        except InvalidSignature:
            return False
        return True


def _decoded(text: str, size: int) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(text) from None
    if len(found) != size:
        raise ValueError(text)
    return found


def verify(sha256: str, signatures: Iterable[ModelSignature], keys: Keys) -> str:
    """The id of the trusted key whose owner signed the file of this digest. Raises GraphError, whose text follows the
    file's name: it is not signed, or by nobody who is trusted, or is not the file that was signed."""
    found = list(signatures)
    if not found:
        raise GraphError("is not signed")
    ours = [each for each in found if each.sha256 == sha256]
    if not ours:
        raise GraphError(f"is not the file that was signed, whose SHA-256 is {found[0].sha256[:12]}")
    known = [each for each in ours if each.key in keys]
    if not known:
        signers = ", ".join(sorted({each.key for each in ours}))
        raise GraphError(f"is signed by the key {signers}; trusted is {', '.join(sorted(keys))}")
    for each in known:
        if each.holds(sha256, keys[each.key]):
            return each.key
    raise GraphError(f"has a signature that the key {known[0].key} did not make")


def readable(texts: Iterable[bytes]) -> list[ModelSignature]:
    """Those of them that are signatures: whoever put another there, one that is may hold."""
    found = []
    for text in texts:
        with contextlib.suppress(GraphError):
            found.append(ModelSignature.decode(text))
    return found


def preferred(sha256: str, texts: Iterable[bytes], keys: Keys) -> ModelSignature | None:
    """One that a trusted key made for the file of this digest, or else any for it."""
    found = sorted((each for each in readable(texts) if each.sha256 == sha256), key=lambda each: each.key)
    good = [each for each in found if each.key in keys and each.holds(sha256, keys[each.key])]
    return next(iter(good or found), None)


def beside(model: Path) -> Path:
    """Where a model's signature stands."""
    return model.with_name(model.name + SUFFIX)


def read_beside(model: Path) -> ModelSignature | None:
    """The signature beside a model; None if there is none. Raises GraphError if it can't be read."""
    path = beside(model)
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GraphError(f"{path}: {error.strerror}") from None
    try:
        return ModelSignature.decode(text)
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from None
