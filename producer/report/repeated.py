"""The most repeated texts of a stream, in bounded memory."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

CAPACITY = 1 << 15  # texts of which the counts survive a cut
TEXT_BYTES = 600  # how much of a text is kept


@dataclass(slots=True)
class Repeat:
    """A text and how often it came. `score` and `reasons` are those of its first occurrence."""

    count: int
    score: float
    text: bytes  # the first TEXT_BYTES
    size: int  # bytes of the whole text
    reasons: bytes  # as the scores file has them; empty if it has none


class Repeats:
    """Misra and Gries's summary ("Finding repeated elements", 1982), cut in batches as Agarwal et al. do in "Mergeable
    summaries" (2012): when twice CAPACITY texts are held, the CAPACITY + 1st largest count is taken off all of them.

    As long as nothing was cut the counts are exact. Afterwards each is too low by at most `missed`, which is never more
    than the number of texts seen divided by CAPACITY; what came more often than that is there. (The Space-Saving
    summary of Metwally et al., 2005, holds the same, but it evicts a text for every new one: here that costs nothing.)
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: dict[bytes, Repeat] = {}
        self.missed = 0

    @property
    def distinct(self) -> int | None:
        """How many different texts came; None if something was cut."""
        return None if self.missed else len(self._held)

    def add(self, texts: Iterable[tuple[bytes, int, float, bytes]]) -> None:
        """Counts (text, how often, score, reasons)."""
        held = self._held
        for text, count, score, reasons in texts:
            key = hashlib.blake2b(text, digest_size=16).digest() if len(text) > 16 else text
            known = held.get(key)
            if known is not None:
                known.count += count
                continue
            held[key] = Repeat(count, score, text[:TEXT_BYTES], len(text), reasons)
            if len(held) >= 2 * self._capacity:
                held = self._cut()

    def _cut(self) -> dict[bytes, Repeat]:
        least = sorted((repeat.count for repeat in self._held.values()), reverse=True)[self._capacity]
        self.missed += least
        for repeat in self._held.values():
            repeat.count -= least
        self._held = {key: repeat for key, repeat in self._held.items() if repeat.count > 0}
        return self._held

    def top(self, number: int) -> list[Repeat]:
        """The texts that came at least twice, the most frequent first."""
        found = (repeat for repeat in self._held.values() if repeat.count > 1)
        return sorted(found, key=lambda repeat: (-repeat.count, repeat.text))[:number]
