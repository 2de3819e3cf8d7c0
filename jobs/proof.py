"""What the ledger has of a batch to prove its identity: what the producer sent, what a worker answered for, and what
the collector wrote. Each is made by that party alone, from the bytes it has in hand."""

import re
from typing import NamedTuple, Self

from jobs.digest import Part

_MOST = 1 << 53  # of records or bytes
_DIGEST = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|")  # none, in a job of format 1


class Sent(NamedTuple):
    """By the producer, as the batch is enqueued."""

    first: int  # the number of its first record, from 1 on
    records: int  # rejected ones included
    rejected: int  # by the reader
    payload: str  # digest.sent
    kept: str  # digest.kept

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Raises ValueError, as the others do, for what is none."""
        first, records, rejected, payload, kept = text.decode().split()
        return cls(_number(first), _number(records), _number(rejected), _digest(payload), _digest(kept))


class Answered(NamedTuple):
    """By the worker, as its result is written."""

    scored: int
    rejected: int  # by the worker
    result: str  # digest.answered

    @classmethod
    def decode(cls, text: bytes) -> Self:
        scored, rejected, result = text.decode().split()
        return cls(_number(scored), _number(rejected), _digest(result))


class Written(NamedTuple):
    """By the collector, of a batch's lines or of the headers: consecutive parts of the two files."""

    scores: Part
    rejects: Part
    scored: int = 0  # lines in the scores file
    head: str = ""  # digest.head of those: where to look for them should they have moved

    def encode(self) -> str:
        return " ".join(map(str, (*self.scores, *self.rejects, self.scored, self.head))).strip()

    @classmethod
    def decode(cls, text: bytes | str) -> Self:
        fields = (text.decode() if isinstance(text, bytes) else text).split()
        size, scores, rejects_size, rejects, scored, *head = fields
        if len(head) > 1:
            raise ValueError("it has too many fields")
        parts = Part(_number(size), _digest(scores)), Part(_number(rejects_size), _digest(rejects))
        return cls(*parts, _number(scored), _digest(head[0]) if head else "")


class Proof(NamedTuple):
    """All of one batch, as far as it is known; a job of format 1 has none."""

    sent: Sent | None
    answered: Answered | None
    written: Written | None


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number < _MOST:
        raise ValueError("it has a number that counts nothing")
    return number


def _digest(text: str) -> str:
    if _DIGEST.fullmatch(text) is None:
        raise ValueError("it has a digest that is none")
    return text
