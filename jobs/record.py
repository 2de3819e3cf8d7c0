"""The job record: all that makes a job what it is, frozen when it is submitted, and the id that derives from it."""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

from formats.csv.dialect import PLAIN as PLAIN_CSV
from formats.csv.dialect import Dialect
from formats.errors import InputError
from graphs.feeds import Constant, Feed, Fetch
from jobs.errors import DamagedError, NewerFormatError
from jobs.forms import check
from jobs.reasons import MOST, REASONS, Explain
from jobs.verdicts import VERDICT

FORMAT = 6  # the newest that is known here
ADDED = 6  # that of a job whose scores file has columns that older workers don't write
READING = (
    5  # that of a job whose input or cells older workers would read otherwise, or whose rejects have rows of scores
)
REFERENCE = 4  # that of a job which workers read themselves
WORDS = 3  # that of a job which feeds or fetches as format 2 can't say; goes into every id, as 2, 5 and 6 do
PLAIN = 2  # the format of a job that an older worker can score as well: a column a placeholder, and nodes as they are
# What says nothing of the output; the batch size is an even older part of the id, as 0.
_NOT_IDENTITY: dict[str, object] = {"batch_bytes": 0, "model_name": "", "created": ""}
# Written only where there is something to say:
_OLDER_LACK = (
    "constants", "version", "dialect", "limit", "errors", "threshold", "explain", "explain_from",
    "copy_bytes", "files", "placed",
)  # fmt: skip
_LISTS = ("feeds", "fetches", "keep", "constants")
_LATER = ("incarnation", "block_bytes", "by_reference", "copy_bytes", "files", "placed")  # nor is this in the id


_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,23}-[0-9a-f]{16}")
_INCARNATION = re.compile(r"[0-9a-f]{16}|")


def is_job_id(name: object) -> bool:
    """Whether it has the one form that `Job.id` gives. Ids come from the server, and become parts of files' names."""
    return isinstance(name, str) and _ID.fullmatch(name) is not None


class Life(NamedTuple):
    """A job from its submission until it is forgotten. The same file enqueued again after that has the same id and
    another life: whatever was written for an older one is refused."""

    id: str
    incarnation: str  # 16 random hexadecimal digits; empty for a job of format 1

    @property
    def name(self) -> str:
        """In one word."""
        return f"{self.id}:{self.incarnation}" if self.incarnation else self.id

    @property
    def is_valid(self) -> bool:
        """Whether id and incarnation have the forms that ours have: then nothing in a name made of them leads anywhere,
        or stands for several."""
        return (
            is_job_id(self.id)
            and isinstance(self.incarnation, str)
            and _INCARNATION.fullmatch(self.incarnation) is not None
        )

    @classmethod
    def of(cls, name: str) -> Self:
        """From `name`. Raises ValueError for what is none."""
        life = cls(*name.partition(":")[::2])
        if not life.is_valid or life.name != name:
            raise ValueError(f"{name[:80]!r} is no job's name")
        return life


def lives(names: Iterable[str]) -> Iterator[Life]:
    """Those whose names these are; what is no name is no job's."""
    for name in names:
        with contextlib.suppress(ValueError):
            yield Life.of(name)


@dataclass(frozen=True)
class Job:
    """A file, a model and the settings that change the output, plus those fixed at submission so that a resumed job
    goes on as it began."""

    input: str  # absolute path, or URL; what stands for several files: a pattern, a folder
    size: int  # bytes
    mtime_ns: int  # 0 for an object
    model: str  # sha256 of the frozen graph, in hexadecimal
    feeds: tuple[Feed, ...]
    fetches: tuple[Fetch, ...]
    id_column: str | None  # None: the record number
    keep: tuple[str, ...]
    max_record_bytes: int
    again: str = ""  # set by --again: makes a new job of the same input
    format: int = 0  # 0: the oldest that can say all of it
    constants: tuple[Constant, ...] = ()  # of placeholders that no column feeds
    version: str = ""  # of an object: which of those that were there under its name
    dialect: Dialect = PLAIN_CSV
    limit: int = 0  # only so many records, the first ones; 0: all
    errors: bool = False  # rejects have a row in the scores file, which has a column of codes (jobs/error_rows.py)
    threshold: float | None = None  # spam from there on: the scores file has a column of verdicts (jobs/verdicts.py)
    explain: int = 0  # by so many pieces at most, in a column of reasons (jobs/reasons.py)
    explain_from: float = 0.0  # the least score that is explained
    # Not part of the id:
    batch_bytes: int = 2 << 20
    block_bytes: int = 0  # of input: what micro-batches are cut from; 0: as older versions did
    by_reference: str = (
        ""  # the place through which workers read the input themselves, and write parts (jobs/places.py)
    )
    copy_bytes: int = 0  # of the plain copy that is read in the input's place; 0: there is none
    files: str = ""  # the manifest of an input that is several files (jobs/manifest.py), in base64
    placed: bool = False  # its rejects file has the columns that say where in the file, and which column is at fault
    model_name: str = ""
    created: str = ""  # ISO 8601, UTC
    incarnation: str = ""

    @cached_property
    def id(self) -> str:
        """The file's stem for people, and 64 bits of a SHA-256 over everything that changes the output."""
        identity = {**self.to_dict(), **_NOT_IDENTITY, "format": min(self.format, self._least_format)}
        for name in _LATER:
            identity.pop(name, None)
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        stem = re.sub(r"[^a-z0-9]+", "-", Path(self.input).stem.lower()).strip("-")[:24]
        return f"{stem or 'job'}-{digest[:16]}"

    @property
    def life(self) -> Life:
        return Life(self.id, self.incarnation)

    def __post_init__(self) -> None:
        if self.format == 0:
            least = self._least_format
            object.__setattr__(self, "format", max(REFERENCE, least) if self.by_reference else least)

    @property
    def _least_format(self) -> int:
        """The oldest that can say what the job's output follows from."""
        if self.threshold is not None or self.explain:
            return ADDED
        is_odd = not self.dialect.is_plain or self.copy_bytes or self.files or self.limit or self.errors
        if is_odd or any(feed.null or feed.strict for feed in self.feeds):
            return READING
        is_plain = all(feed.is_plain for feed in self.feeds) and all(fetch.is_plain for fetch in self.fetches)
        return PLAIN if is_plain and not self.constants else WORDS

    @property
    def read_bytes(self) -> int:
        """Of what is read."""
        return self.copy_bytes or self.size

    @property
    def read_dialect(self) -> Dialect:
        """In which it is."""
        return self.dialect.copied if self.copy_bytes else self.dialect

    @property
    def fed_columns(self) -> tuple[str, ...]:
        """The columns that travel to the workers, each once, in the order of a payload's."""
        return tuple(dict.fromkeys(column for feed in self.feeds for column in feed.columns))

    @property
    def kept_columns(self) -> tuple[str, ...]:
        """The columns that go into the scores file as they are, the id first."""
        return (*((self.id_column,) if self.id_column else ()), *self.keep)

    @property
    def read_columns(self) -> list[str]:
        """All that are wanted of the input, each once."""
        return list(dict.fromkeys([*self.fed_columns, *self.kept_columns]))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Those of them whose cells go into the graph as they are."""
        return tuple(dict.fromkeys(column for feed in self.feeds for column in feed.text_columns))

    @property
    def strict_encoding(self) -> bool:
        """Whether those that are not UTF-8 are rejects."""
        return any(feed.strict for feed in self.feeds)

    @property
    def file_column(self) -> str:
        """The column that has the files' names where the input is several; empty if it is one."""
        return next(iter((*self.keep, self.id_column or "")), "") if self.files else ""

    @property
    def output_names(self) -> tuple[str, ...]:
        """The columns behind the kept ones, as they were asked for: a matrix has several in the place of its own."""
        verdict, reasons = [VERDICT] if self.threshold is not None else [], [REASONS] if self.explain else []
        return (*(fetch.name for fetch in self.fetches), *verdict, *reasons)

    @property
    def explained(self) -> Explain:
        """What of its scores is explained."""
        return Explain(self.explain, self.explain_from)

    @property
    def id_name(self) -> str:
        """The name of the scores file's first column."""
        return self.id_column or "record"

    def to_dict(self) -> dict[str, Any]:
        content: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        content["feeds"] = [each.to_dict() for each in self.feeds]
        content["fetches"] = [each.tensor if each.is_plain else each.to_dict() for each in self.fetches]
        content["keep"] = list(self.keep)
        content["constants"] = [each.to_dict() for each in self.constants]
        content["dialect"] = self.dialect.to_dict()
        said = {"threshold"} if self.threshold is not None else set()  # one of 0 says something too
        return {name: value for name, value in content.items() if value or name not in _OLDER_LACK or name in said}

    def encode(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def decode(cls, text: str | bytes) -> Self:
        """Raises NewerFormatError for a record that a newer version wrote, DamagedError for one that is damaged. Fields
        that are not known here are left out: what must not be, changes the format."""
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, InputError):
            raise DamagedError(
                "its record is damaged; producer forget frees it, and its file can be enqueued again"
            ) from None

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Raises NewerFormatError; InputError, ValueError, TypeError, LookupError or AttributeError for what is no
        record."""
        version = content.get("format", 1)
        if version > FORMAT:
            raise NewerFormatError(
                f"it is of format {version}, which a newer version of Nightshift wrote; this one knows {FORMAT}"
            )
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        if not all(isinstance(content.get(name, []), list) for name in _LISTS):
            raise TypeError("a list is none")
        lists = {
            "feeds": tuple(Feed.from_dict(feed) for feed in content["feeds"]),
            "fetches": tuple(
                Fetch(each, each) if isinstance(each, str) else Fetch.from_dict(each) for each in content["fetches"]
            ),
            "keep": tuple(content["keep"]),
            "constants": tuple(Constant.from_dict(each) for each in content.get("constants", ())),
            "dialect": Dialect.from_dict(content.get("dialect", {})),
        }
        found = cls(**{**values, **lists, "format": version})
        check(found)
        if not found.life.is_valid or min(found.batch_bytes, found.max_record_bytes) < 1 or found.explain > MOST:
            raise ValueError("it is no job")
        return found
