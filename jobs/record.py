"""The job record: all that makes a job what it is, frozen when it is submitted, and the id that derives from it."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

FORMAT = 1  # goes into every id: jobs of two formats never meet


@dataclass(frozen=True, slots=True)
class Feed:
    """One placeholder and the column it is fed from. `dtype` is TensorFlow's name for it, such as `string` or `int32`;
    `shape` has -1 for an unknown dimension and is None where the rank is unknown."""

    placeholder: str
    column: str
    dtype: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Job:
    """A file, a model and the settings that change the output, plus those fixed at submission so that a resumed job
    goes on as it began."""

    input: str  # absolute path
    size: int  # bytes
    mtime_ns: int
    model: str  # sha256 of the frozen graph, in hexadecimal
    feeds: tuple[Feed, ...]
    fetches: tuple[str, ...]
    id_column: str | None  # None: the record number
    keep: tuple[str, ...]
    max_record_bytes: int
    again: str = ""  # set by --again: makes a new job of the same input
    # Not part of the id:
    batch_bytes: int = 2 << 20
    model_name: str = ""
    created: str = ""  # ISO 8601, UTC

    @cached_property
    def id(self) -> str:
        """The file's stem for people, and 64 bits of a SHA-256 over everything that changes the output."""
        identity = {"format": FORMAT, **asdict(replace(self, batch_bytes=0, model_name="", created=""))}
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        stem = re.sub(r"[^a-z0-9]+", "-", Path(self.input).stem.lower()).strip("-")[:24]
        return f"{stem or 'job'}-{digest[:16]}"

    @property
    def id_name(self) -> str:
        """The name of the scores file's first column."""
        return self.id_column or "record"

    def encode(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def decode(cls, text: str | bytes) -> Self:
        fields: dict[str, Any] = json.loads(text)
        feeds = tuple(
            Feed(**{**feed, "shape": None if feed["shape"] is None else tuple(feed["shape"])})
            for feed in fields.pop("feeds")
        )
        return cls(**{**fields, "feeds": feeds, "fetches": tuple(fields["fetches"]), "keep": tuple(fields["keep"])})
