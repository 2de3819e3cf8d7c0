"""Who signed a model: what holds, and what must not."""

import dataclasses
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphs.errors import GraphError
from graphs.model_signature import DOMAIN, ModelSignature, beside, key_id, preferred, read_beside, readable, verify
from graphs.signing_keys import make_key, read_private, read_public, trusted

MODEL = b"the bytes of a model"
SHA256 = hashlib.sha256(MODEL).hexdigest()


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """Two private keys; the public ones are beside them."""
    paths = tmp_path / "release", tmp_path / "stranger"
    for path in paths:
        make_key(path)
    return paths


def public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def signed(key: Path, data: bytes = MODEL) -> ModelSignature:
    return ModelSignature.make(data, read_private(key))


def test_what_a_trusted_key_signed_is_known_by_its_id(keys: tuple[Path, Path]) -> None:
    ours, strangers = keys
    signature = ModelSignature.decode(signed(ours).encode())
    assert verify(SHA256, [signature], trusted([public(ours)])) == key_id(read_public(public(ours)))
    both = [signed(strangers), signature]
    assert verify(SHA256, both, trusted([public(ours)])) == signature.key, "a second signature takes nothing away"


def test_another_file_another_key_and_no_signature_are_told_apart(keys: tuple[Path, Path]) -> None:
    ours, strangers = keys
    known = trusted([public(ours)])
    forged = dataclasses.replace(signed(strangers), public_key=read_public(public(ours)).public_bytes_raw())
    of_another = dataclasses.replace(signed(ours, b"another model"), sha256=SHA256)
    for signatures, why in (
        ([], "is not signed"),
        (
            [signed(strangers)],
            f"is signed by the key {signed(strangers).key}; trusted is {key_id(read_public(public(ours)))}",
        ),
        ([signed(ours, b"another model")], "is not the file that was signed"),
        ([of_another], "has a signature that the key .* did not make"),
        ([forged], "has a signature that the key .* did not make"),
    ):
        with pytest.raises(GraphError, match=why):
            verify(SHA256, signatures, known)


def test_a_signature_that_was_made_for_something_else_is_none_for_a_model(keys: tuple[Path, Path]) -> None:
    """Whoever has the key sign a digest by another protocol gets no signature of a model."""
    private = read_private(keys[0])
    digest = hashlib.sha256(MODEL).digest()
    for message in (digest, SHA256.encode(), MODEL, DOMAIN.replace(b"model", b"scores") + digest):
        made = ModelSignature(SHA256, private.public_key().public_bytes_raw(), private.sign(message))
        with pytest.raises(GraphError, match="did not make"):
            verify(SHA256, [made], trusted([public(keys[0])]))


def test_each_altered_byte_of_a_signature_is_noticed(keys: tuple[Path, Path]) -> None:
    signature, known = signed(keys[0]), trusted([public(keys[0])])
    for place in range(64):
        altered = bytearray(signature.signature)
        altered[place] ^= 1
        with pytest.raises(GraphError):
            verify(SHA256, [dataclasses.replace(signature, signature=bytes(altered))], known)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2}, {"sha256": "0" * 63}, {"sha256": SHA256.upper()}, {"sha256": 7}, {"key": "0" * 16},
        {"key": None}, {"public_key": "AAAA"}, {"public_key": "not base64!"}, {"signature": ""}, {"signature": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_signature_is_refused_in_a_line(keys: tuple[Path, Path], change: dict[str, object]) -> None:
    fields = json.loads(signed(keys[0]).encode())
    with pytest.raises(GraphError):
        ModelSignature.decode(json.dumps({**fields, **change}).encode())
    for text in (b"", b"{}", b"[]", b"null", b"\xff", b"[" * 4000, signed(keys[0]).encode() + b" " * 4096):
        with pytest.raises(GraphError, match="no signature"):
            ModelSignature.decode(text)


def test_what_a_stranger_puts_among_signatures_hides_none(keys: tuple[Path, Path]) -> None:
    texts = [b"rubbish", signed(keys[1]).encode(), signed(keys[0]).encode(), signed(keys[0], b"other").encode()]
    assert len(readable(texts)) == 3
    known = trusted([public(keys[0])])
    assert preferred(SHA256, texts, known) == signed(keys[0])
    assert preferred(SHA256, texts[:2], known) == signed(keys[1])
    assert preferred(SHA256, texts[:1], known) is None


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "release"
    made = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_id(read_public(public(path))) == made
    before = path.read_bytes(), public(path).read_bytes()
    with pytest.raises(GraphError, match="exists"):
        make_key(path)
    path.unlink()
    with pytest.raises(GraphError, match="exists"):  # the public one: nothing half made is left
        make_key(path)
    assert not path.exists()
    assert public(path).read_bytes() == before[1]


def test_keys_are_found_in_files_and_folders(keys: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "trusted"
    folder.mkdir()
    (folder / "README").write_text("not a key, and not looked at")
    with pytest.raises(GraphError, match="no public key is there"):
        trusted([folder])
    public(keys[0]).rename(folder / "a.pub")
    assert list(trusted([folder, public(keys[1])])) == [signed(key).key for key in keys]
    (folder / "b.pem").write_text("rubbish")
    with pytest.raises(GraphError, match=r"b.pem is no public key"):  # not overlooked: it was meant to count
        trusted([folder])
    with pytest.raises(GraphError, match="No such file"):
        trusted([tmp_path / "nowhere.pub"])
    with pytest.raises(GraphError, match=r"is a private key: keep it .* and give out release.pub"):
        trusted([keys[0]])


def test_what_is_no_signing_key_is_refused_in_a_line(keys: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="no private key"):
        read_private(public(keys[0]))
    (tmp_path / "empty").touch()
    with pytest.raises(GraphError, match="no private key"):
        read_private(tmp_path / "empty")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_makes_our_keys_and_verifies_our_signatures(tmp_path: Path) -> None:
    """Nobody needs Nightshift to check what Nightshift signed."""

    def openssl(*words: object) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(["openssl", *map(str, words)], cwd=tmp_path, capture_output=True, check=False)

    assert openssl("genpkey", "-algorithm", "ed25519", "-out", "k").returncode == 0
    assert openssl("pkey", "-in", "k", "-pubout", "-out", "k.pub").returncode == 0
    signature = signed(tmp_path / "k")
    assert verify(SHA256, [signature], trusted([tmp_path / "k.pub"])) == signature.key
    (tmp_path / "message").write_bytes(DOMAIN + bytes.fromhex(SHA256))
    (tmp_path / "signature").write_bytes(signature.signature)
    words = "pkeyutl", "-verify", "-pubin", "-inkey", "k.pub", "-rawin", "-in", "message", "-sigfile", "signature"
    assert openssl(*words).returncode == 0
    assert openssl("genpkey", "-algorithm", "x25519", "-out", "other").returncode == 0
    with pytest.raises(GraphError, match="another kind than ed25519"):
        read_private(tmp_path / "other")
    assert openssl("pkey", "-in", "k", "-aes256", "-passout", "pass:x", "-out", "hidden").returncode == 0
    with pytest.raises(GraphError, match="is encrypted"):
        read_private(tmp_path / "hidden")


def test_a_file_is_read_with_the_signature_beside_it(keys: tuple[Path, Path], tmp_path: Path) -> None:
    model = tmp_path / "spam.pb"
    assert read_beside(model) is None
    beside(model).write_bytes(signed(keys[0]).encode())
    assert read_beside(model) == signed(keys[0])
    beside(model).write_text("rubbish")
    with pytest.raises(GraphError, match=r"spam.pb.sig: it is no signature"):
        read_beside(model)


def test_two_keys_never_share_an_id() -> None:
    ids = {key_id(Ed25519PrivateKey.generate().public_key()) for _ in range(50)}
    assert len(ids) == 50
    assert all(len(each) == 16 for each in ids)
