"""From packed bytes to plain ones, in pieces, however much a few packed bytes stand for.

A file may be several streams one behind the other, as `cat a.gz b.gz` makes it and as the tools read it; zeros behind
the last one, as tapes and disks of blocks leave them, are passed over.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import pyarrow as pa

from formats.errors import InputError
from formats.packed.container import BZIP2, GZIP, LZ4, MAGIC, XZ, ZSTD
from formats.packed.feed import Feed

PIECE_BYTES = 256 << 10  # fits the cache; no piece is larger
# What a decompressor may take for its window: zstd -19 wants 8 MiB, xz -9 65 MiB, zstd --long and --ultra -22 this.
# Its library refuses more by itself, as its command does.
MEMORY_BYTES = 128 << 20
_TOO_WIDE = "Frame requires too much memory"
_FAULTS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class Decoder(Protocol):
    """Of one stream; as those of bz2 and lzma."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Inflate:
    """zlib's with the same members."""

    def __init__(self, window_bits: int) -> None:
        self._zlib = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        tail = self._zlib.unconsumed_tail
        piece = self._zlib.decompress(tail + data if tail else data, max_length)
        self.needs_input = len(piece) < max_length and not self._zlib.unconsumed_tail
        return piece


_DECODERS: dict[str, Callable[[], Decoder]] = {
    GZIP: lambda: Inflate(31),  # with a gzip header, CRC and length
    BZIP2: bz2.BZ2Decompressor,
    XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES),
}


def unpacked(feed: Feed, container: str) -> Iterator[bytes]:
    """The plain bytes in pieces of at most PIECE_BYTES, none of them empty; as they are without a container. Raises
    InputError."""
    if not container:
        return iter(feed.read, b"")
    return _by_arrow(feed, container) if container in (ZSTD, LZ4) else _one_behind_the_other(feed, container)


def decoded(feed: Feed, container: str, decoder: Decoder, data: bytes = b"") -> Iterator[bytes]:
    """The plain bytes of one stream, which begins with `data` and goes on in the feed. Raises InputError."""
    while not decoder.eof:
        if decoder.needs_input and not data and not (data := feed.read()):
            raise feed.truncated(container)
        try:
            piece = decoder.decompress(data, PIECE_BYTES)
        except _FAULTS as error:
            if "memory" in str(error).lower():
                raise _too_wide(feed, container) from error
            raise feed.damaged(container, error) from error
        data = b""
        if piece:
            yield piece


def _one_behind_the_other(feed: Feed, container: str) -> Iterator[bytes]:
    make, magic = _DECODERS[container], MAGIC[container]
    data = feed.read()
    while data:
        decoder = make()
        yield from decoded(feed, container, decoder, data)
        data = decoder.unused_data.lstrip(b"\0")
        while len(data) < len(magic) and (more := feed.read()):
            data = (data + more).lstrip(b"\0")
        if data and not data.startswith(magic):
            at = feed.offset - len(data)
            raise InputError(
                f"{feed.location}: something else follows behind the {container} data, at byte {at:,}: cut it off, or "
                "get the file again"
            )


def _by_arrow(feed: Feed, container: str) -> Iterator[bytes]:
    piece = memoryview(bytearray(PIECE_BYTES))  # pyarrow's `read` never frees what it was to read into if it fails
    try:
        with pa.CompressedInputStream(pa.PythonFile(feed, mode="r"), container) as stream:
            while size := stream.readinto(piece):
                yield bytes(piece[:size])
    except OSError as error:
        if "Truncated" in str(error):
            raise feed.truncated(container) from error
        if _TOO_WIDE in str(error):
            raise _too_wide(feed, container) from error
        raise feed.damaged(container, error) from error


def _too_wide(feed: Feed, container: str) -> InputError:
    return InputError(
        f"{feed.location}: to unpack it {container} wants more than {MEMORY_BYTES >> 20} MiB of memory: unpack it, and "
        "give the plain file, or pack it with a smaller window"
    )
