"""The messages nearest a threshold, for somebody to look at: a text once, however often it came."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from producer.report.repeated import TEXT_BYTES


@dataclass(frozen=True, slots=True)
class Example:
    """A scored message. `text` is its first TEXT_BYTES, None where it can't be had; `size` is all of its bytes."""

    record: int
    id: bytes
    score: float
    text: bytes | None
    size: int
    reasons: bytes = b""  # as the scores file has them; empty if it has none


class Borderline:
    """Keeps the `number` examples of different texts with the least distance to `threshold`; of equals, the first."""

    def __init__(self, threshold: float, number: int) -> None:
        self._threshold, self._number = threshold, number
        self._held: dict[object, tuple[float, Example]] = {}
        self._worst = np.inf

    def add(
        self,
        scores: npt.NDArray[np.float64],
        records: npt.NDArray[np.int64],
        ids: pa.Array,
        texts: pa.Array | None,
        reasons: pa.Array | None = None,
    ) -> None:
        """Looks at scores [N], with everything else [N] too. Scores that are nan are passed over."""
        if not self._number:
            return
        distance = np.abs(scores - self._threshold)
        near = np.flatnonzero(distance < self._worst)
        for row in near[np.argsort(distance[near], kind="stable")].tolist():
            away = float(distance[row])
            if len(self._held) >= self._number and away >= self._worst:
                break
            text = texts[row].as_py() if texts is not None else None
            record = int(records[row])
            key = record if text is None else text[:TEXT_BYTES] + b"%d" % len(text)
            if key in self._held and self._held[key][0] <= away:
                continue
            name = ids[row].as_py()
            example = Example(
                record=record,
                id=name if isinstance(name, bytes) else str(name).encode(),
                score=float(scores[row]),
                text=None if text is None else text[:TEXT_BYTES],
                size=0 if text is None else len(text),
                reasons=b"" if reasons is None else reasons[row].as_py(),
            )
            self._held[key] = away, example
            if len(self._held) > self._number:
                del self._held[max(self._held, key=lambda each: self._order(each))]
            if len(self._held) == self._number:
                self._worst = max(away for away, _ in self._held.values())

    def _order(self, key: object) -> tuple[float, int]:
        away, example = self._held[key]
        return away, example.record

    def found(self) -> list[Example]:
        """The nearest first."""
        return [self._held[key][1] for key in sorted(self._held, key=self._order)]
