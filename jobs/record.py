"""The job record: all that makes a job what it is, frozen when it is submitted, and the id that derives from it."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

from jobs.errors import DamagedError, NewerFormatError

FORMAT = 2  # of what is written for a job; goes into every id: jobs of two formats never meet
# What says nothing of the output; the batch size is an even older part of the id, as 0.
_NOT_IDENTITY: dict[str, object] = {"batch_bytes": 0, "model_name": "", "created": ""}


class Life(NamedTuple):
    """A job from its submission until it is forgotten. The same file enqueued again after that has the same id and
    another life: whatever was written for an older one is refused."""

    id: str
    incarnation: str  # 16 random hexadecimal digits; empty for a job of format 1

    @property
    def name(self) -> str:
        """In one word."""
        return f"{self.id}:{self.incarnation}" if self.incarnation else self.id

    @classmethod
    def of(cls, name: str) -> Self:
        return cls(*name.partition(":")[::2])


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
    format: int = FORMAT
    # Not part of the id:
    batch_bytes: int = 2 << 20
    model_name: str = ""
    created: str = ""  # ISO 8601, UTC
    incarnation: str = ""

    @cached_property
    def id(self) -> str:
        """The file's stem for people, and 64 bits of a SHA-256 over everything that changes the output."""
        identity = {**asdict(self), **_NOT_IDENTITY}
        del identity["incarnation"]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        stem = re.sub(r"[^a-z0-9]+", "-", Path(self.input).stem.lower()).strip("-")[:24]
        return f"{stem or 'job'}-{digest[:16]}"

    @property
    def life(self) -> Life:
        return Life(self.id, self.incarnation)

    @property
    def id_name(self) -> str:
        """The name of the scores file's first column."""
        return self.id_column or "record"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def encode(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def decode(cls, text: str | bytes) -> Self:
        """Raises NewerFormatError for a record that a newer version wrote, DamagedError for one that is damaged. Fields
        that are not known here are left out: what must not be, changes the format."""
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DamagedError(
                "its record is damaged; producer forget frees it, and its file can be enqueued again"
            ) from None

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Raises NewerFormatError; ValueError, TypeError, KeyError or AttributeError for what is no record."""
        version = content.get("format", 1)
        if version > FORMAT:
            raise NewerFormatError(
                f"it is of format {version}, which a newer version of Nightshift wrote; this one knows {FORMAT}"
            )
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        feeds = tuple(
            Feed(
                feed["placeholder"],
                feed["column"],
                feed["dtype"],
                None if feed["shape"] is None else tuple(feed["shape"]),
            )
            for feed in content["feeds"]
        )
        lists = {"feeds": feeds, "fetches": tuple(content["fetches"]), "keep": tuple(content["keep"])}
        return cls(**{**values, **lists, "format": version})
