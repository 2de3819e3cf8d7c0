"""All figures of a report: what the page shows and `--json` prints."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jobs.record import Job
from producer.outputs.receipt import Receipt
from producer.outputs.scored import Rejected
from producer.report.borderline import Example
from producer.report.groups import Group
from producer.report.histogram import Histogram
from producer.report.repeated import Repeat
from producer.report.speed import Speed


class Choice(NamedTuple):
    """What a threshold would block."""

    threshold: float
    blocked: int


@dataclass(slots=True)
class Scores:
    """The scores of one output, and what is above and near the threshold."""

    node: str
    threshold: float
    blocked: int  # scores of at least the threshold: "spam", here and below
    histogram: Histogram
    choices: list[Choice]
    nearest: list[Example]
    repeats: list[Repeat]
    repeats_missed: int  # by how much a count may be too low
    distinct: int | None  # different texts among the spam; None if there are too many to count

    @property
    def counted(self) -> int:
        return self.histogram.total

    @property
    def share(self) -> float:
        return self.blocked / self.counted if self.counted else 0.0


@dataclass(slots=True)
class Report:
    """One job's figures. What could not be had is None or empty, and `notes` say why, a sentence each."""

    job: Job
    receipt: Receipt
    leases_lost: int
    resent: int
    speed: Speed | None
    scores: Scores | None
    text_column: str | None  # of the texts below; None: there are none
    by_column: str | None
    groups: list[Group]
    rejects: dict[str, list[Rejected]]  # the first few by code
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON. Bytes that are no UTF-8 are written as \\xNN."""
        scores = self.scores
        return {
            "receipt": self.receipt.to_dict(),
            "leases_lost": self.leases_lost,
            "resent": self.resent,
            "speed": None if self.speed is None else _speed(self.speed),
            "scores": None if scores is None else _scores(scores),
            "by": None
            if self.by_column is None
            else {
                "column": self.by_column,
                "groups": [
                    {
                        "value": None if group.value is None else _text(group.value),
                        "records": group.records,
                        "spam": group.spam,
                        "share": group.share,
                    }
                    for group in self.groups
                ],
            },
            "rejects": {
                code: {"records": number, "first": [each._asdict() for each in self.rejects.get(code, [])]}
                for code, number in self.receipt.codes.items()
            },
            "notes": self.notes,
        }


def _speed(speed: Speed) -> dict[str, Any]:
    return {
        "begin": speed.begin,
        "end": speed.end,
        "bin_seconds": speed.width,
        "records_per_second": [round(rate, 1) for rate in speed.rates],
        "processes": speed.workers,
        "workers": [
            {
                "worker": lane.worker,
                "processes": lane.processes,
                "batches": lane.batches,
                "records": lane.records,
                "records_per_second": round(lane.rate, 1),
                "seconds": {stage: round(seconds, 3) for stage, seconds in lane.seconds.items()},
            }
            for lane in speed.lanes
        ],
    }


def _scores(scores: Scores) -> dict[str, Any]:
    histogram = scores.histogram
    return {
        "node": scores.node,
        "threshold": scores.threshold,
        "counted": scores.counted,
        "not_a_number": histogram.nan,
        "blocked": scores.blocked,
        "share": scores.share,
        "histogram": {"low": histogram.low, "high": histogram.high, "counts": histogram.counts.tolist()},
        "thresholds": [choice._asdict() for choice in scores.choices],
        "nearest": [
            {
                "record": each.record,
                "id": _text(each.id),
                "score": each.score,
                "text": None if each.text is None else _text(each.text),
                "bytes": each.size,
                **_reasons(each),
            }
            for each in scores.nearest
        ],
        "repeated": [
            {"count": each.count, "score": each.score, "text": _text(each.text), "bytes": each.size, **_reasons(each)}
            for each in scores.repeats
        ],
        "repeated_count_may_miss": scores.repeats_missed,
        "distinct_texts": scores.distinct,
    }


def _reasons(each: Example | Repeat) -> dict[str, str]:
    return {"reasons": _text(each.reasons)} if each.reasons else {}


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")
