"""The rejects of a block: of a million short records each can be one, so they are made when they are looked at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from formats.csv.reject_details import wrong_count
from formats.rejects import Reject

FEW = 1024  # so many are made at once


@dataclass(frozen=True, slots=True)
class Wrong:
    """Records with another number of fields than the header, in their order: all int64, one item each."""

    rows: NDArray[np.int64]  # among the well-quoted records
    fields: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, chosen: NDArray[np.bool_]) -> "Wrong":
        return Wrong(self.rows[chosen], self.fields[chosen])


@dataclass(frozen=True, slots=True)
class Rejects(Sequence[Reject]):
    """In record order. `records`, `lines`, `starts`, `ends` and `fields` are int64, one item each; starts and ends are
    positions in the block, which begins at `offset` of the file. `others` are those of another kind, by their record
    numbers: of them only these arrays' `records` count."""

    records: NDArray[np.int64]
    lines: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    fields: NDArray[np.int64]
    others: Mapping[int, Reject]
    wanted: int  # fields
    offset: int
    raw: Callable[[int, int], bytes]  # of the block, from a start to an end

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Reject: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Reject]: ...
    def __getitem__(self, index: int | slice) -> Reject | Sequence[Reject]:
        if isinstance(index, slice):
            arrays = (self.records, self.lines, self.starts, self.ends, self.fields)
            records, lines, starts, ends, fields = (each[index] for each in arrays)
            return replace(self, records=records, lines=lines, starts=starts, ends=ends, fields=fields)
        at = range(len(self))[index]  # raises IndexError
        return next(iter(self[at : at + 1]))

    def __iter__(self) -> Iterator[Reject]:
        details: dict[int, str] = {}
        for begin in range(0, len(self), FEW):
            here = slice(begin, begin + FEW)
            arrays = (self.records, self.lines, self.starts, self.ends, self.fields)
            for record, line, start, end, fields in zip(*(each[here].tolist() for each in arrays), strict=True):
                if record in self.others:
                    yield self.others[record]
                    continue
                if fields not in details:
                    details[fields] = wrong_count(fields, self.wanted)
                code = "too_few_fields" if fields < self.wanted else "too_many_fields"
                yield Reject(record, line, code, details[fields], self.raw(start, end), self.offset + start)


def records_of(rejects: Sequence[Reject]) -> NDArray[np.int64]:
    """Their numbers: int64, one item each."""
    if isinstance(rejects, Rejects):
        return rejects.records
    return np.fromiter((each.record for each in rejects), np.int64, len(rejects))
