"""Makes archives of every kind, and opened files that are in memory."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import xxhash

SKIPPED = b"\x52\x2a\x4d\x18\x03\x00\x00\x00abc"  # a frame that zstd and lz4 pass over
METHODS = {
    "zip stored": zipfile.ZIP_STORED,
    "zip deflated": zipfile.ZIP_DEFLATED,
    "zip bzip2": zipfile.ZIP_BZIP2,
    "zip lzma": zipfile.ZIP_LZMA,
}
KINDS = ["gzip", "bzip2", "xz", "zstd", "lz4", *METHODS]
STREAMS = KINDS[:5]


def pack(kind: str, content: bytes) -> bytes:
    """As the command of that name does it: with a checksum. A method of zip makes an archive with one file."""
    match kind:
        case "gzip":
            return gzip.compress(content, mtime=0)
        case "bzip2":
            return bz2.compress(content)
        case "xz":
            return lzma.compress(content)
        case "zstd":
            return _zstd(content)
        case "lz4":
            return _lz4(content)
    return zipped({"messages.csv": content}, METHODS[kind])


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return target.getvalue()


def _zstd(content: bytes) -> bytes:
    """pyarrow's, with the checksum that it does not write (RFC 8878, 3.1.1)."""
    frame = bytearray(pa.Codec("zstd").compress(content, asbytes=True))
    frame[4] |= 4
    return bytes(frame) + xxhash.xxh64_intdigest(content).to_bytes(8, "little")[:4]


def _lz4(content: bytes) -> bytes:
    """The same of an LZ4 frame."""
    target = pa.BufferOutputStream()
    with pa.CompressedOutputStream(target, "lz4") as stream:
        stream.write(content)
    frame = bytearray(target.getvalue().to_pybytes())
    frame[4] |= 4
    frame[6] = xxhash.xxh32_intdigest(bytes(frame[4:6])) >> 8 & 0xFF
    return bytes(frame) + xxhash.xxh32_intdigest(content).to_bytes(4, "little")


class Memory:
    """An opened file that is on no disk."""

    mtime_ns, version = 0, ""

    def __init__(self, content: bytes) -> None:
        self.location, self._content, self.size = Path("in.csv"), content, len(content)

    def read(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]

    def will_read(self, offset: int) -> None: ...

    def unchanged(self) -> bool:
        return True

    def close(self) -> None: ...


def joined(kind: str, contents: Sequence[bytes]) -> bytes:
    """Several streams, one behind the other."""
    return b"".join(pack(kind, content) for content in contents)
