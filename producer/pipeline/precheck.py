"""What looks odd in an input, to be said before it is scored: what people would otherwise find out afterwards."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from formats.position import Position
from formats.rejects import Reject
from formats.shown import quoted, shown
from formats.source import Block, Source
from formats.utf8 import not_utf8

SCAN_BYTES = 8 << 20  # how much of the file is looked at, to the end of a block
SAMPLED_BLOCK_BYTES = 256 << 10  # at once: a block of a million records of a byte would have a million rejects
EXAMPLES = 10  # rejects that are kept


@dataclass(slots=True)
class Sample:
    """The first records of an input, as far as they were looked at."""

    end: Position  # where the look ended
    records: int = 0  # rejected ones included
    blank_lines: int = 0
    codes: Counter[str] = field(default_factory=Counter)  # of the rejects
    rejects: list[Reject] = field(default_factory=list)  # the first ones
    strays: list[int] = field(default_factory=list)  # the lines of records with a CR that is no line end
    odd: dict[str, int] = field(default_factory=dict)  # column -> its texts that are not valid in the encoding
    odd_records: int = 0  # that have such
    is_whole: bool = False  # there are no more

    def add(self, block: Block, texts: Sequence[str]) -> None:
        """`texts` are columns of the block."""
        found = [not_utf8(block.records.column(name)) for name in texts]
        for name, rows in zip(texts, found, strict=True):
            if len(rows):
                self.odd[name] = self.odd.get(name, 0) + len(rows)
        self.odd_records += len(np.unique(np.concatenate(found))) if found else 0
        self.codes.update(reject.code for reject in block.rejects)
        self.rejects += block.rejects[: EXAMPLES - len(self.rejects)]
        self.strays += [reject.line for reject in block.rejects if reject.code == "stray_cr"]
        self.records += block.end.record - block.start.record
        self.blank_lines += block.blank_lines
        self.end = block.end


class Blocks(Protocol):
    """What is asked of a source."""

    @property
    def start(self) -> Position: ...
    @property
    def size(self) -> int: ...
    def blocks(
        self, columns: Sequence[str], start: Position | None = None, block_bytes: int | None = None
    ) -> Iterator[Block]: ...


def take_sample(
    source: Blocks,
    texts: Sequence[str],
    columns: Sequence[str] = (),
    *,
    size: int = SCAN_BYTES,
    block_bytes: int | None = SAMPLED_BLOCK_BYTES,
    hear: Callable[[Block], object] | None = None,
) -> Sample:
    """Of the blocks that begin in the first `size` bytes, of which `hear` is told with these `columns`. In `texts` it
    is counted what is not valid in the encoding. Raises InputError as `Source.blocks` does."""
    texts = list(dict.fromkeys(texts))
    sample = Sample(source.start)
    for block in source.blocks(list(dict.fromkeys([*texts, *columns])), None, block_bytes):
        sample.add(block, texts)
        if hear:
            hear(block)
        if block.end.offset - source.start.offset >= size:
            sample.is_whole = block.end.offset == source.size
            return sample
    sample.is_whole = True
    return sample


def scan(source: Source, columns: Sequence[str], strict: bool = False) -> list[str]:
    """One plain sentence on each oddity in the first 8 MiB of the file: texts in `columns` that are not valid in its
    encoding (rejects, if `strict`), records with a CR that is no line end, blank lines.

    They hold numbers and names of columns, with quotes around them, and nothing else of the file. Raises InputError as
    `Source.blocks` does.
    """
    return sentences(take_sample(source, columns), source, strict)


def sentences(sample: Sample, source: Source, strict: bool = False) -> list[str]:
    """The same, of a sample."""
    whole = sample.is_whole
    return [
        *_texts(sample.odd, sample.odd_records, sample.records, whole, source.dialect.encoding_name, strict),
        *_strays(sample.strays, whole),
        *_surplus(sample.codes["too_many_fields"], sample.records, source),
        *_blank(sample.blank_lines, whole),
    ]


def _texts(odd: dict[str, int], odd_records: int, records: int, whole: bool, encoding: str, strict: bool) -> list[str]:
    if not odd:
        return []
    names = shown([*odd])
    end = "rejected" if strict else "scored as raw bytes"
    if records == 1:
        return [f"the only record has a text in {names} that is not {encoding}: it is {end}"]
    verb, of = ("has", "it is") if odd_records == 1 else ("have", "they are")
    among = f"the {'' if whole else 'first '}{records:,} records"
    return [f"{odd_records:,} of {among} {verb} text in {names} that is not {encoding}: {of} {end}"]


def _strays(lines: list[int], whole: bool) -> list[str]:
    if not lines:
        return []
    if len(lines) == 1:
        where, what = f"the record on line {lines[0]:,} has", "it is rejected"
    else:
        where, what = f"{len(lines):,} records, the first on line {lines[0]:,}, have", "they are rejected"
    end = "" if whole else ", in the part looked at"
    return [f"{where} a CR in a file whose lines end in LF: {what}{end}"]


def _surplus(number: int, records: int, source: Source) -> list[str]:
    """Only where it is no accident."""
    if number * 20 < records or not number:
        return []
    return [
        f"{number:,} of the first {records:,} records have more fields than the header: with "
        f"--rest {quoted(source.columns[-1])} they belong to the last column"
    ]


def _blank(lines: int, whole: bool) -> list[str]:
    if not lines:
        return []
    part = "" if whole else " so far"
    if lines == 1:
        return [f"1 blank line{part} is no record, and is not counted as one"]
    return [f"{lines:,} blank lines{part} are no records, and are not counted as such"]
