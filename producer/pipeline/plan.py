"""From what the user asked for to a job: which columns feed which placeholders, and what goes into the scores file."""

import base64
import os
import secrets
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from formats.columns import id_column_of
from formats.csv.dialect import Dialect
from formats.errors import InputError
from formats.files.location import Location, Url
from formats.files.mirror import OBJECTS, mirrored, mirrored_if_there
from formats.joined.source import JoinedSource
from formats.packed.feed import Progress
from formats.packed.folder import Copy, Folder
from formats.packed.piped import is_piped, spooled
from formats.reading import Reading, is_several, read_input, read_inputs
from formats.source import Source
from graphs.errors import GraphError
from graphs.feeding import Fed, NoColumnError
from graphs.feeds import Fetch
from graphs.name_lists import listed
from graphs.words import NOTHING, Words, of_job, read_file
from jobs.error_rows import ERROR
from jobs.input import copies
from jobs.manifest import Manifest
from jobs.places import choose
from jobs.record import PLAIN, Job
from jobs.settings import Settings
from producer.graph import Graph, read_graph
from producer.outputs.names import check_names

SHIPPED_MODEL = "spam.pb"
WORDS = ".toml"  # the suffix of what stands beside a model
DAY = 86400.0  # seconds
MANY = 32  # batches: a file that has as many occupies many processes
SMALLEST_BATCH = 256 << 10  # bytes of input; what a batch costs whatever is in it begins to show
LARGEST_BLOCK = 2 << 20  # beyond which pyarrow parses no faster
LARGEST_BATCH = 8 << 20  # beyond which larger ones cost no less
LARGEST_SERVED_BATCH = 2 << 20  # the same where batches go through the server, and take its memory


@dataclass(frozen=True, slots=True)
class Plan:
    """A job that is not submitted yet, with the file and the graph it was made from."""

    job: Job
    source: Source
    graph: Graph
    copy: Copy | None = None  # what `source` reads in the place of the input


def shipped_model() -> Path:
    """The spam model that comes with Nightshift: data/spam.pb in a checkout, beside this module when installed."""
    room = Path(__file__).resolve().parents[1]
    checkout = room.parent / "data" / SHIPPED_MODEL
    return checkout if checkout.exists() else room / SHIPPED_MODEL


def fit_blocks(size: int) -> int:
    """Input bytes a block, for a file of that many. By the file alone: micro-batches are cut from blocks, and a record
    has the same neighbours whatever the batches are."""
    return max(SMALLEST_BATCH, min(size // MANY, LARGEST_BLOCK))


def fit_batches(size: int, by_reference: bool) -> int:
    """Input bytes a batch, for a file of that many: the larger, the less a message costs."""
    return max(SMALLEST_BATCH, min(size // MANY, LARGEST_BATCH if by_reference else LARGEST_SERVED_BATCH))


def make_plan(
    file: Location | Sequence[Location],
    settings: Settings,
    *,
    model: Location | None = None,
    id_column: str | None = None,
    keep: Sequence[str] = (),
    all_columns: bool = False,
    errors: bool = False,
    limit: int = 0,
    words: Words = NOTHING,
    like: Job | None = None,
    dialect: Dialect | Mapping[str, Any] = MappingProxyType({}),
    batch_bytes: int | None = None,
    again: bool = False,
    unpacking: Progress | None = None,
) -> Plan:
    """Reads the header and the graph, and fits one to the other: by `words`, which win over those in the file beside
    the model, and these over what the job `like` has, as far as the model has such inputs. `all_columns`: as if `keep`
    had each column of the input; `errors`: rejects have a row in the scores file too; `limit`: so many records alone,
    the first ones; 0: all. `dialect` may be a part of one, by the fields of Dialect: the rest is found in the file.
    What can't be read in place is copied first, and `unpacking` is told how far that is.

    Raises InputError (no such file, no such column, a dialect that is in doubt) or GraphError (no frozen graph, nothing
    to feed, no such node, a placeholder that a column can't feed): all that can be known before anything is enqueued.
    """
    path = _local(model or settings.model or shipped_model(), settings.home)
    graph = read_graph(path)
    words = words.over(words_beside(path))
    if like:
        inputs = [want.name for want in graph.signature.wants]
        words = words.over(of_job(like.feeds, like.constants, like.fetches).about(inputs))
    try:
        fetches = graph.signature.fetches(words)
        graph.signature.needed_by(fetches)
    except GraphError as error:
        raise GraphError(f"{path} has {error}" if str(error).startswith("no") else f"{path}: {error}") from None
    reading, input = _opened(file, settings, dialect, unpacking)
    source = reading.source
    try:
        if id_column is None:
            id_column = id_column_of(source.columns)
        fed = _fit(graph, fetches, words, source, id_column)
        if isinstance(source, JoinedSource):
            keep = (source.file_column, *keep)
        keep = _kept(source, id_column, keep, all_columns)
        check_names([id_column or "record", *keep, *(fetch.name for fetch in fetches), *([ERROR] if errors else [])])
        # Workers of one's own have one's credentials for object storage, those of others need not.
        read = [member.location for member in reading.members] or [source.read_from]
        stored = any(isinstance(each, Url) for each in read)
        shared = settings.redis_url is None or (settings.spool is not None and not stored)
        place = choose(read, () if reading.copy_bytes else settings.data, spool=shared)
        job = Job(
            input=os.fsdecode(input),
            size=reading.size,
            mtime_ns=reading.mtime_ns,
            version=reading.version,
            model=graph.sha256,
            feeds=fed.feeds,
            fetches=fetches,
            constants=fed.constants,
            dialect=reading.dialect,
            copy_bytes=reading.copy_bytes,
            files=base64.b64encode(Manifest(reading.members).encode()).decode() if reading.members else "",
            id_column=id_column,
            keep=keep,
            errors=errors,
            limit=limit,
            max_record_bytes=settings.max_record_bytes,
            again=uuid.uuid4().hex if again else "",
            batch_bytes=batch_bytes or settings.batch_bytes or fit_batches(source.size, bool(place)),
            block_bytes=fit_blocks(source.size),
            by_reference=place,
            model_name=graph.path.name,
            created=_now(),
            incarnation=_incarnation(),
        )
    except BaseException:
        source.close()
        raise
    return Plan(job, source, graph, reading.copy)


def _opened(
    file: Location | Sequence[Location],
    settings: Settings,
    dialect: Dialect | Mapping[str, Any],
    unpacking: Progress | None,
) -> tuple[Reading, Location]:
    """And what it is called in the job's record: a file, or what stands for several."""
    how = settings.max_record_bytes, dialect, copies(settings.home), unpacking
    names = [file] if isinstance(file, Path | Url) else [*file]
    if copies(settings.home).is_dir():
        Folder(copies(settings.home)).tidy(settings.keep_days * DAY)
    if len(names) == 1 and is_piped(names[0]):
        path = spooled(names[0], copies(settings.home), unpacking)
        return read_input(path, *how, named="standard input"), path.resolve()
    if len(names) > 1 or is_several(names[0]):
        reading = read_inputs(names, *how)
        return reading, reading.source.path
    return read_input(names[0], *how), names[0].resolve()


def renewed(job: Job) -> Job:
    """The same job in another life."""
    return replace(job, created=_now(), incarnation=_incarnation(), format=max(job.format, PLAIN))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _incarnation() -> str:
    return secrets.token_hex(8)


def _local(model: Location, home: Path) -> Path:
    """The model as a file; an object is copied, with the words beside it."""
    if not isinstance(model, Url):
        return model
    path = mirrored(model, home / OBJECTS)
    mirrored_if_there(model.with_name(path.with_suffix(WORDS).name), home / OBJECTS)
    return path


def words_beside(model: Path) -> Words:
    """What the file beside a model says: `spam.toml` for `spam.pb`."""
    path = model.with_suffix(WORDS)
    return read_file(path) if path.is_file() else NOTHING


def _kept(source: Source, id_column: str | None, keep: Sequence[str], all_columns: bool) -> tuple[str, ...]:
    """The columns to carry through beside the id, each once. Raises InputError for one that is not there, or twice."""
    wanted = (*source.columns, *keep) if all_columns else keep
    kept = tuple(dict.fromkeys(name for name in wanted if name != id_column))
    counts = Counter(source.columns)  # a table may have a hundred thousand
    for name in kept if id_column is None else (id_column, *kept):
        if counts[name] != 1:
            raise _no_column(source, name, "")
    return kept


def _fit(graph: Graph, fetches: Sequence[Fetch], words: Words, source: Source, id_column: str | None) -> Fed:
    try:
        return graph.signature.fit(fetches, words, source.columns, id_column)
    except NoColumnError as error:
        raise InputError(f"{source.path} has {error}; {_columns(source)}") from None
    except GraphError as error:
        raise GraphError(f"{graph.path}: {error}") from None


def _no_column(source: Source, name: str, purpose: str) -> InputError:
    what = "more than one column" if name in source.columns else "no column"
    return InputError(f"{source.path} has {what} {name!r}{purpose}; {_columns(source)}")


def _columns(source: Source) -> str:
    """What there is in the place of a column that is missing, and what may have been read wrongly."""
    dialect = source.dialect
    if not dialect.header and not dialect.columns:
        names = ",".join(f"NAME{number}" for number in range(1, len(source.columns) + 1))
        return f"it was read without a header: --columns {names if len(names) < 60 else 'NAME,...'} names its columns"
    read = "" if dialect.is_plain else f", read as {dialect}"
    return f"its columns: {listed(source.columns)}{read}"
