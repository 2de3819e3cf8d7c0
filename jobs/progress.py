"""How far a job is: its counters at one moment, as the ledger has them."""

import json
from dataclasses import dataclass
from typing import Literal, cast

State = Literal["running", "complete", "failed", "cancelled"]
COUNTERS = (
    "batches", "done", "collected", "records", "read_rejects", "scored", "score_rejects", "attempts", "redelivered",
    "duplicates",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """The counters; `records` and `read_rejects` are counted by the producer as it reads; `scored` and `score_rejects`,
    independently, by the workers as they answer."""

    state: State
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
    codes: dict[str, int]
    fields: dict[str, str]

    @classmethod
    def decode(cls, fields: dict[str, str]) -> "Progress":
        """From the fields of the job's hash, as jobs/lua writes them; times are milliseconds there."""

        def seconds(name: str) -> float | None:
            return int(fields[name]) / 1000 if name in fields else None

        return cls(
            state=cast(State, fields["state"]),
            error=fields.get("error"),
            created=int(fields["created"]) / 1000,
            started=seconds("started"),
            finished=seconds("finished"),
            sealed=fields["sealed"] == "1",
            cursor=json.loads(fields["cursor"]),
            codes={
                name.removeprefix("code:"): int(fields[name]) for name in sorted(fields) if name.startswith("code:")
            },
            fields=fields,
            **{name: int(fields.get(name, 0)) for name in COUNTERS},
        )

    @property
    def rejected(self) -> int:
        return self.read_rejects + self.score_rejects

    @property
    def outstanding(self) -> int:
        return self.batches - self.done
