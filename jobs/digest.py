"""What tells one batch's bytes from another's: XXH3-128, fast and keyless (github.com/Cyan4973/xxHash).

It proves against accidents: a stalled producer, a swapped result, an edited file. Who may change a file and its digest
can deceive anybody.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import xxhash

Bytes = bytes | bytearray | memoryview


class Part(NamedTuple):
    """A range of a file: how many bytes, and their digest (32 hexadecimal digits)."""

    size: int
    digest: str


def sent(incarnation: str, batch: int, first: int, records: int, payload: Bytes) -> str:
    """A batch's identity: whose it is, which records it has (`first` is its first record's number, `records` how many
    there are, rejected ones included), and the bytes that are to be scored. 32 hexadecimal digits."""
    return _named(f"sent {incarnation} {batch} {first} {records}", payload)


def kept(incarnation: str, batch: int, data: Bytes) -> str:
    """Of what waits for the collector. 32 hexadecimal digits."""
    return _named(f"kept {incarnation} {batch}", data)


def answered(incarnation: str, batch: int, result: Bytes) -> str:
    """Of a worker's result. 32 hexadecimal digits."""
    return _named(f"answered {incarnation} {batch}", result)


def cursor(incarnation: str, batches: int, place: Mapping[str, int]) -> str:
    """Of where reading goes on behind so many batches. 16 hexadecimal digits."""
    text = " ".join(f"{name}={place[name]}" for name in sorted(place))
    return xxhash.xxh3_64_hexdigest(f"cursor {incarnation} {batches} {text}".encode())


def part(data: Bytes) -> Part:
    """Of bytes as they stand in a file."""
    return Part(memoryview(data).nbytes, xxhash.xxh3_128_hexdigest(data))


def head(lines: Bytes) -> str:
    """Of the first line without its LF, or what its first 64 KiB have of it: XXH3-64, 16 hexadecimal digits; empty if
    there is no line."""
    first, _, _ = bytes(lines[: 1 << 16]).partition(b"\n")
    return xxhash.xxh3_64_hexdigest(first) if lines else ""


def tree(parts: Iterable[Part]) -> str:
    """A whole file's digest, from those of its consecutive parts: files can be joined without being read again.
    XXH3-128 over each part's size (8 bytes, big-endian) and digest (16 bytes). 32 hexadecimal digits."""
    state = xxhash.xxh3_128()
    for size, digest in parts:
        state.update(size.to_bytes(8, "big") + bytes.fromhex(digest))
    return state.hexdigest()


def _named(name: str, data: Bytes) -> str:
    state = xxhash.xxh3_128(name.encode() + b"\n")
    state.update(data)
    return state.hexdigest()
