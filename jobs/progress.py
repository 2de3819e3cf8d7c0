"""How far a job is: its counters at one moment, and what was noted of it, as the ledger has them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from formats.rejects import Reject
from jobs import digest
from jobs.errors import DamagedError
from jobs.forms import is_text

JobState = Literal["running", "complete", "failed", "cancelled", "stopped"]
STATES: dict[str, JobState] = {
    "running": "running",
    "complete": "complete",
    "failed": "failed",
    "cancelled": "cancelled",
    "stopped": "stopped",
}
IN_VAIN = ("failed", "cancelled", "stopped")  # how a job ends of which nothing is published
MOST = 1 << 53  # of whatever is counted
LATEST = 1e11  # seconds since the epoch, in the year 5138
MOST_DETAIL = 500  # characters of a reject's detail that are noted with a stopped job
COUNTERS = (
    "batches", "done", "collected", "records", "read_rejects", "scored", "score_rejects", "attempts", "redelivered",
    "duplicates", "blank_lines", "not_utf8", "leases_lost", "resent", "output_bytes", "rejects_bytes", "unread_rejects",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """The counters; `records` and `read_rejects` are counted by the producer as it reads; `scored` and `score_rejects`,
    independently, by the workers as they answer."""

    state: JobState
    error: str | None
    created: float  # seconds since the epoch, by the server's clock
    started: float | None  # when the first batch was leased
    finished: float | None
    sealed: bool  # the input was read to its end
    cursor: dict[str, int]
    batches: int
    done: int
    collected: int
    records: int
    read_rejects: int
    scored: int
    score_rejects: int
    attempts: int
    redelivered: int
    duplicates: int
    blank_lines: int  # of the input, which are no records
    not_utf8: int  # texts that are fed and are not UTF-8
    leases_lost: int  # their worker was silent
    resent: int  # batches whose message was lost
    output_bytes: int  # how far the collected files are good
    rejects_bytes: int
    unread_rejects: int  # collected without the text that they have in the input
    codes: dict[str, int]
    incarnation: str
    output: str | None  # the scores file that it was collected to last
    deadline: float | None  # seconds since the epoch
    retried: list[dict[str, Any]]  # the models that scored rejects later, each with its records
    row_class: str | None
    tensorflow: str | None  # the version that a worker named
    last_error: str | None  # why a lease was given back last
    signer: str | None = None  # the id of the key that signed the model, as who checked it noted
    left: str | None = None  # why a batch was left to other workers last
    first_rejects: tuple[Reject, ...] = ()  # of a stopped job: the first that were known, without their raw text

    @classmethod
    def decode(cls, fields: dict[str, str]) -> "Progress":
        """From the fields of the job's hash, as jobs/lua writes them; times are milliseconds there. Raises DamagedError
        if they make no sense."""
        try:
            progress = cls._decode(fields)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
            raise DamagedError(
                "what the server has of it is damaged; producer forget frees it, and its file can be enqueued again"
            ) from None
        return progress

    @classmethod
    def _decode(cls, fields: dict[str, str]) -> "Progress":
        def seconds(name: str) -> float | None:
            return _moment(int(fields[name]) / 1000) if name in fields else None

        def counter(name: str) -> int:
            number = int(fields.get(name, 0))
            if not 0 <= number < MOST:
                raise ValueError(name)
            return number

        return cls(
            state=STATES[fields["state"]],
            error=fields.get("error"),
            created=_moment(int(fields["created"]) / 1000),
            started=seconds("started"),
            finished=seconds("finished"),
            sealed=fields["sealed"] == "1",
            cursor=_cursor(fields),
            codes={name.removeprefix("code:"): counter(name) for name in sorted(fields) if name.startswith("code:")},
            incarnation=fields.get("incarnation", ""),
            output=_decode_output(fields.get("output", "")),
            deadline=_moment(float(fields["deadline"])) if "deadline" in fields else None,
            retried=_decode_retried(fields.get("retried", "[]")),
            row_class=fields.get("row_class"),
            tensorflow=fields.get("tensorflow"),
            last_error=fields.get("last_error"),
            signer=fields.get("signer"),
            left=fields.get("left"),
            first_rejects=_decode_rejects(fields.get("first_rejects", "[]")),
            **{name: counter(name) for name in COUNTERS},
        )

    @property
    def rejected(self) -> int:
        return self.read_rejects + self.score_rejects

    @property
    def outstanding(self) -> int:
        return self.batches - self.done


def encode_rejects(rejects: Iterable[Reject]) -> str:
    """As JSON, without their raw text."""
    return json.dumps([[each.record, each.line, each.code, each.detail[:MOST_DETAIL]] for each in rejects])


def _decode_output(text: str) -> str | None:
    """Raises ValueError for what is no file's absolute path."""
    path = PurePath(text)
    if text and (not path.is_absolute() or not path.name or "\0" in text or ".." in path.parts):
        raise ValueError(text)
    return text or None


def _moment(seconds: float) -> float:
    """Seconds since the epoch. Raises ValueError for what no calendar has."""
    if not 0 <= seconds < LATEST:
        raise ValueError(seconds)
    return seconds


def _decode_retried(text: str) -> list[dict[str, Any]]:
    """Raises ValueError, TypeError or KeyError for what no retry has noted."""
    found = json.loads(text)
    for each in found:
        numbers = [(first, last) for first, last in each["records"]]
        if (
            not all(type(number) is int for pair in numbers for number in pair)
            or not all(is_text(each[name]) for name in ("model", "model_name"))
            or any(not 0 < first <= last < MOST for first, last in numbers)
        ):
            raise ValueError(text)
    if not isinstance(found, list):
        raise TypeError(text)
    return found


def _decode_rejects(text: str) -> tuple[Reject, ...]:
    """Raises ValueError for what `encode_rejects` did not make."""
    try:
        found = [Reject(int(each[0]), int(each[1]), str(each[2]), str(each[3]), b"") for each in json.loads(text)]
        if not all(is_text(each.code) and is_text(each.detail) for each in found):
            raise ValueError(text)
        return tuple(found)
    except (TypeError, LookupError, OverflowError):
        raise ValueError(text) from None


def _cursor(fields: dict[str, str]) -> dict[str, int]:
    """Where reading goes on. Raises ValueError if that is not what was noted."""
    cursor: dict[str, Any] = json.loads(fields["cursor"])
    incarnation = fields.get("incarnation", "")
    check = cursor.pop("check", None)
    if not all(type(number) is int and 0 <= number < MOST for number in cursor.values()):
        raise ValueError(cursor)
    if incarnation and check != digest.cursor(incarnation, int(fields["batches"]), cursor):
        raise ValueError(cursor)
    return cursor
