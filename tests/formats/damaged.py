"""Archives that were cut, flipped, mixed up, or have something behind them.

Whatever was done to one, it gives the bytes that were packed, or an InputError of one line, soon, and in little memory.
By hand: python -m tests.formats.damaged --inputs 100000 --seed 1
"""

import argparse
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from formats.errors import InputError
from formats.packed.container import HEAD_BYTES, container_of
from formats.packed.unpack import peek
from tests.formats.packing import KINDS, SKIPPED, STREAMS, Memory, joined, pack

ALL = 1 << 62
SECONDS, GROWN_MIB = 5.0, 150  # of one input; of all: the widest window and what is around it


class Archive(NamedTuple):
    kind: str
    packed: bytes
    whole: list[bytes]  # what it may give: what was packed, and that of its first streams alone


def make_archive(chance: random.Random) -> Archive:
    kind = chance.choice(KINDS)
    contents = [_content(chance) for _ in range(chance.choice([1, 1, 2, 3]) if kind in STREAMS else 1)]
    whole = [b"".join(contents[:count]) for count in range(len(contents), -1, -1)]
    packed = joined(kind, contents)
    if kind in ("zstd", "lz4") and chance.random() < 0.2:
        packed = SKIPPED + packed
    return Archive(kind, packed, whole)


def _content(chance: random.Random) -> bytes:
    size = chance.choice([0, 1, 30, 300, 3000, 30_000])
    match chance.randrange(3):
        case 0:
            return (b"1,a message\n" * size)[:size]
        case 1:
            return chance.randbytes(size)
    return b"".join(b"%d,%d\n" % (row, chance.randrange(1000)) for row in range(size // 8))


def _cut(chance: random.Random, packed: bytes) -> bytes:
    return packed[: chance.randrange(len(packed))]


def _flipped(chance: random.Random, packed: bytes) -> bytes:
    content = bytearray(packed)
    for _ in range(chance.choice([1, 1, 1, 2, 8])):
        # The headers are at either end, and are few of the bytes.
        near = min(len(content), 80)
        at = chance.choice([chance.randrange(len(content)), chance.randrange(near), -1 - chance.randrange(near)])
        content[at] ^= 1 << chance.randrange(8)
    return bytes(content)


def _set(chance: random.Random, packed: bytes) -> bytes:
    at = chance.randrange(len(packed))
    value = chance.choice([b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"])
    return packed[:at] + value + packed[at + len(value) :]


def _without(chance: random.Random, packed: bytes) -> bytes:
    at = chance.randrange(len(packed))
    return packed[:at] + packed[at + chance.randrange(1, 20) :]


def _with_more(chance: random.Random, packed: bytes) -> bytes:
    at = chance.randrange(len(packed))
    return packed[:at] + chance.randbytes(chance.randrange(1, 20)) + packed[at:]


def _followed(chance: random.Random, packed: bytes) -> bytes:
    return packed + chance.choice([b"\n", b"hello", bytes(600), chance.randbytes(40), packed[:-1]])


DAMAGES: list[Callable[[random.Random, bytes], bytes]] = [
    _cut,
    _flipped,
    _flipped,
    _set,
    _without,
    _with_more,
    _followed,
]


def outcome(archive: Archive, packed: bytes) -> str:
    """What became of it: `right`, `refused`, or `plain` for what is no archive any more. Anything else raises."""
    try:
        container = container_of(packed[:HEAD_BYTES])
        found = peek(Memory(packed), ALL)
    except InputError as error:
        text = str(error)
        assert text.isprintable(), repr(text)
        assert len(text) < 300, text
        return "refused"
    if not container:
        assert found == packed
        return "plain"
    assert found in archive.whole, f"{archive.kind}: {packed.hex()[:4000]} gives {found[:100]!r}"
    return "right"


def damage(seed: int, inputs: int) -> Counter[str]:
    """That many inputs, each from a seed of its own: `seed`, `seed` + 1 and so on."""
    outcomes: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(seed, seed + inputs):
        chance = random.Random(number)
        archive = make_archive(chance)
        how = chance.choice(DAMAGES)
        began = time.monotonic()
        try:
            found = outcome(archive, how(chance, archive.packed))
        except BaseException as error:
            error.add_note(f"seed {number}, {archive.kind}, {how.__name__}")
            raise
        assert time.monotonic() - began < SECONDS, f"seed {number} took too long"
        outcomes[f"{archive.kind} {found}"] += 1
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> (10 if sys.platform == "linux" else 20)
    assert grown < GROWN_MIB, f"{grown} MiB"
    return outcomes


def every_cut(kind: str, content: bytes) -> Counter[str]:
    """One archive, cut at every byte, and with each bit flipped."""
    archive = Archive(kind, pack(kind, content), [content])
    outcomes = Counter(f"cut {outcome(archive, archive.packed[:size])}" for size in range(len(archive.packed)))
    for place in range(8 * len(archive.packed)):
        flipped = bytearray(archive.packed)
        flipped[place // 8] ^= 1 << place % 8
        outcomes[f"flipped {outcome(archive, bytes(flipped))}"] += 1
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description="Damages archives and looks what becomes of them.")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    for what, count in sorted(damage(options.seed, options.inputs).items()):
        print(f"{what:20}{count:>10,}")
    print(f"{time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
