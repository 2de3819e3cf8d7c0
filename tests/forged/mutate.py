"""Mutants: what a broken disk, another program or somebody who means harm makes of bytes that were right. A mutant
follows from its original and a random number generator alone."""

import json
import random
import struct
from collections.abc import Callable
from typing import Any

DEEP: Any = json.loads("[" * 400 + "]" * 400)
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    1024,
    2**31 - 1,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63),
    10**30,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "0",
    "-1",
    "\0",
    "..",
    "../../forged",
    "/etc/passwd",
    "*",
    "[a-z]*",
    "a" * 70_000,
    "\ud800",
    "\u202e",
    "nightshift",
    "\x1b[2J",
    "[/x]",
    [],
    [[]],
    {},
    {"": None},
    [None] * 50,
    DEEP,
    "0123456789abcdef",
    "00112233aabbccdd",
    "s3://bucket/key",
    "file:///etc/passwd",
    "data-0000000000000000",
    "spool",
    "spool:99999999999",
    "reference:[]",
    "part:[]",
    "²",
    "١٢",
    "1_000",
    "1e400",
]
WORDS = [0, 1, 2, 4, 8, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]
Mutator = Callable[[random.Random, bytes], bytes]


def bits(chance: random.Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        if found:
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def words(chance: random.Random, data: bytes) -> bytes:
    """Lengths and offsets, which stand at multiples of four, become others."""
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4])):
        size = chance.choice([4, 8])
        if len(found) >= size:
            at = chance.randrange(len(found) - size + 1) & ~3
            word = chance.choice(WORDS) + chance.choice([0, 0, 1, -1, len(found)])
            found[at : at + size] = struct.pack("<Q", word % 2**64)[:size]
    return bytes(found)


def cut(chance: random.Random, data: bytes) -> bytes:
    begin, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return chance.choice([data[:begin], data[end:], data[:begin] + data[end:], data[:end] + data[begin:]])


def junk(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.choice([1, 8, 100])) + data[at:]


def nothing_of_it(chance: random.Random, data: bytes) -> bytes:
    whole = [b"", b"null", b"[]", b"{}", b"0", b'""', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000, b"\0" * 1000]
    return chance.choice([*whole, chance.randbytes(200)])


BYTES: list[Mutator] = [bits, bits, words, words, words, cut, junk]


def of_bytes(chance: random.Random, data: bytes) -> bytes:
    if chance.random() < 0.02:
        return nothing_of_it(chance, data)
    return chance.choice(BYTES)(chance, data)


def of_json(chance: random.Random, data: bytes) -> bytes:
    """A value of a JSON document becomes another, or goes, or is there twice; now and then its bytes are altered."""
    if chance.random() < 0.15:
        return of_bytes(chance, data)
    content = altered(chance, json.loads(data))
    while chance.random() < 0.2:
        content = altered(chance, content)
    return json.dumps(content).encode("utf-8", "surrogatepass")


def altered(chance: random.Random, content: Any) -> Any:
    """The same with one value altered, however deep it lies; a text that is JSON itself is gone into, too."""
    if isinstance(content, str) and content[:1] in ("[", "{") and chance.random() < 0.8:
        try:
            return json.dumps(altered(chance, json.loads(content)))
        except ValueError:
            pass
    if isinstance(content, dict | list) and content and chance.random() < 0.85:
        key: Any = chance.choice(list(content)) if isinstance(content, dict) else chance.randrange(len(content))
        other: Any = content.copy()
        how = chance.random()
        if how < 0.8:
            other[key] = altered(chance, content[key])
        elif how < 0.9:
            del other[key]
        elif isinstance(other, list):
            other.insert(key, chance.choice([content[key], chance.choice(VALUES)]))
        else:
            other[chance.choice(list(content))] = content[key]
        return other
    return chance.choice(VALUES)


def of_text(chance: random.Random, data: bytes) -> bytes:
    """A field of a text that has blanks, colons or dots between them becomes another."""
    if chance.random() < 0.3:
        return of_bytes(chance, data)
    mark = chance.choice([b" ", b":", b".", b"-"])
    fields = data.split(mark)
    fields[chance.randrange(len(fields))] = str(chance.choice(VALUES)).encode("utf-8", "surrogatepass")
    return mark.join(fields)
