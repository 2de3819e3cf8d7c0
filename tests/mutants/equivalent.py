"""The mutants that no test can tell from the script, each with the reason (equivalent.txt)."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.mutants.lua import Mutant

LIST = Path(__file__).with_name("equivalent.txt")


class Place(NamedTuple):
    """Where a mutant is, in words that outlive a change elsewhere in its file."""

    file: str
    kind: str
    occurrence: int  # among equal lines of the file
    before: str
    after: str

    @classmethod
    def of(cls, mutant: Mutant) -> "Place":
        return cls(mutant.file, mutant.kind, mutant.occurrence, *mutant.change)


def read(text: str) -> dict[Place, str]:
    """Reasons by place. Entries are parted by empty lines: `file kind occurrence`, `- line`, `+ mutated line`, and the
    reason; a line that begins with # is a comment."""
    entries: dict[Place, str] = {}
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for block in filter(None, (block.strip() for block in lines.split("\n\n"))):
        head, before, after, *reason = block.splitlines()
        file, kind, occurrence = head.split()
        if not (before.startswith("- ") and after.startswith("+") and reason):
            raise ValueError(block)
        place = Place(file, kind, int(occurrence), before[2:].strip(), after[1:].strip())
        if place in entries:
            raise ValueError(f"listed twice: {block}")
        entries[place] = " ".join(reason)
    return entries


def stale(entries: Iterable[Place], mutants: Iterable[Mutant]) -> list[Place]:
    """Entries that are no mutant of the scripts as they are."""
    there = {Place.of(mutant) for mutant in mutants}
    return [place for place in entries if place not in there]
