"""What looks odd in an input, to be said before it is scored: what people would otherwise find out afterwards."""

from collections.abc import Sequence

import numpy as np

from formats.source import Source
from formats.utf8 import not_utf8

SCAN_BYTES = 8 << 20  # how much of the file is looked at, to the end of a block


def scan(source: Source, columns: Sequence[str], strict: bool = False) -> list[str]:
    """One plain sentence on each oddity in the first 8 MiB of the file: texts in `columns` that are not UTF-8 (rejects,
    if `strict`), records with a CR that is no line end, blank lines.

    They hold numbers and names of columns, with quotes around them, and nothing else of the file. Raises InputError as
    `Source.blocks` does.
    """
    records = blank = 0
    strays: list[int] = []  # their lines
    odd: dict[str, int] = {}  # column -> its texts that are not UTF-8
    odd_records = 0
    surplus = 0
    end = source.start
    for block in source.blocks(list(dict.fromkeys(columns))):
        found = [not_utf8(column) for column in block.records.columns]
        for name, rows in zip(block.records.schema.names, found, strict=True):
            if len(rows):
                odd[name] = odd.get(name, 0) + len(rows)
        odd_records += len(np.unique(np.concatenate(found))) if found else 0
        strays += [reject.line for reject in block.rejects if reject.code == "stray_cr"]
        surplus += sum(reject.code == "too_many_fields" for reject in block.rejects)
        records += block.end.record - block.start.record
        blank += block.blank_lines
        end = block.end
        if end.offset - source.start.offset >= SCAN_BYTES:
            break
    whole = end.offset == source.size
    name = source.dialect.encoding_name
    return [
        *_texts(odd, odd_records, records, whole, name, strict),
        *_strays(strays, whole),
        *_surplus(surplus, records, source),
        *_blank(blank, whole),
    ]


def _texts(odd: dict[str, int], odd_records: int, records: int, whole: bool, encoding: str, strict: bool) -> list[str]:
    if not odd:
        return []
    names = ", ".join(repr(name) for name in odd)
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
        f"--rest {source.columns[-1]!r} they belong to the last column"
    ]


def _blank(lines: int, whole: bool) -> list[str]:
    if not lines:
        return []
    part = "" if whole else " so far"
    if lines == 1:
        return [f"1 blank line{part} is no record, and is not counted as one"]
    return [f"{lines:,} blank lines{part} are no records, and are not counted as such"]
