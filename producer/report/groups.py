"""How much of each value of a column is spam."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LIMIT = 10_000  # values told apart; the rest are counted together
VALUE_BYTES = 200


@dataclass(slots=True)
class Group:
    """The scored records that have a value. None: the values behind the first LIMIT, together."""

    value: bytes | None
    records: int = 0
    spam: int = 0

    @property
    def share(self) -> float:
        return self.spam / self.records if self.records else 0.0


class Groups:
    """Counts by value as rows stream by."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._held: dict[bytes | None, Group] = {}

    def add(self, values: pa.Array, spam: npt.NDArray[np.bool_]) -> None:
        """Counts values [N], of which `spam` [N] are."""
        encoded = values.dictionary_encode()
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
        names = [*encoded.dictionary.to_pylist(), b""]
        records = np.bincount(codes, minlength=len(names)).tolist()
        caught = np.bincount(codes[spam], minlength=len(names)).tolist()
        for name, number, blocked in zip(names, records, caught, strict=True):
            if not number:
                continue
            value = (name if isinstance(name, bytes) else str(name).encode())[:VALUE_BYTES]
            key = value if value in self._held or len(self._held) < self._limit else None
            group = self._held.setdefault(key, Group(key))
            group.records += number
            group.spam += blocked

    def found(self, number: int) -> list[Group]:
        """The largest, largest first; then, if there are more values, one group of all others."""
        named = sorted(
            (group for group in self._held.values() if group.value is not None),
            key=lambda group: (-group.records, group.value),
        )
        rest = named[number:] + [group for group in self._held.values() if group.value is None]
        return named[:number] + ([_sum(rest)] if rest else [])


def _sum(groups: Iterable[Group]) -> Group:
    total = Group(None)
    for group in groups:
        total.records += group.records
        total.spam += group.spam
    return total
