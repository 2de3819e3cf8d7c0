"""A batch by reference: not its records, but where in the input they are, for a worker that can read it there; and
what such a worker answers: not the scores, but the part of the files that it has written."""

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from formats.source import Range
from jobs.digest import Bytes
from jobs.errors import DamagedError
from jobs.proof import Written

REFERENCE = b"reference:"  # no Arrow stream begins so, and no claim check
PART = b"part:"
_DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Reference:
    """Records `first` to before `end` of the input, in the place of a payload, and the consecutive blocks that have
    them."""

    first: int
    end: int
    ranges: tuple[Range, ...]

    @property
    def records(self) -> int:
        """How many, rejected ones included."""
        return self.end - self.first

    @property
    def broken_codes(self) -> list[str]:
        """Of the records that are rejected for what the splitter has seen of them."""
        broken = (each for found in self.ranges for each in found.broken)
        return [each.code for each in broken if self.first <= each.record < self.end]

    def encode(self) -> bytes:
        content = [self.first, self.end, [found.encode() for found in self.ranges]]
        return REFERENCE + json.dumps(content, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Raises DamagedError for what `encode` did not make."""
        try:
            first, end, contents = json.loads(payload.removeprefix(REFERENCE))
            ranges = tuple(map(Range.decode, contents))
            begin, stop = ranges[0].start.record, ranges[-1].end.record
            if type(first) is not int or type(end) is not int or not begin <= first < end <= stop:
                raise ValueError("the records are not in the blocks")
            if any(one.end != other.start for one, other in pairwise(ranges)):
                raise ValueError("the blocks are not consecutive")
        except (ValueError, TypeError, IndexError, RecursionError):
            raise DamagedError("what the server has as a place in the input is none") from None
        return cls(first, end, ranges)


def is_reference(payload: bytes) -> bool:
    return payload.startswith(REFERENCE)


@dataclass(frozen=True, slots=True)
class PartFile:
    """A batch's lines in both files, one behind the other, in a file that its worker has written."""

    name: str
    outputs: tuple[tuple[str, str], ...]  # the names and Arrow's types of their columns; none if nothing was scored
    written: Written

    def encode(self) -> bytes:
        content = [self.name, self.outputs, self.written.encode()]
        return PART + json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, result: bytes) -> Self:
        """Raises DamagedError for what `encode` did not make."""
        try:
            name, outputs, written = json.loads(result.removeprefix(PART))
            columns = tuple((column, kind) for column, kind in outputs)
            if not all(isinstance(text, str) for text in (name, *(text for column in columns for text in column))):
                raise TypeError(name)
            found = Written.decode(written.encode())
            if not all(_DIGEST.fullmatch(each.digest) for each in (found.scores, found.rejects)):
                raise ValueError("a part is known by its digests")
            return cls(name, columns, found)
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise DamagedError("what the server has as a part of the files is none") from None


def is_part(result: Bytes) -> bool:
    return bytes(result[: len(PART)]) == PART
