"""From what the user asked for to a job: the input is opened, the model fitted to it, and batches are measured out."""

import base64
import os
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from formats.csv.dialect import Dialect
from formats.files.location import Location, Url
from formats.packed.feed import Progress
from formats.packed.folder import Copy, Folder
from formats.packed.piped import is_piped, spooled
from formats.reading import Reading, is_several, read_input, read_inputs
from formats.source import Source
from graphs.words import NOTHING, Words
from jobs.input import copies
from jobs.manifest import Manifest
from jobs.places import choose
from jobs.reasons import UNEXPLAINED, Explain
from jobs.record import PLAIN, Job
from jobs.settings import Settings
from producer.graph import Graph
from producer.pipeline.acceptance import check_accepted
from producer.pipeline.fitting import Chosen, Fitted, choose_model, fit_table

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
    threshold: float | None = None,
    explain: Explain = UNEXPLAINED,
    limit: int = 0,
    words: Words = NOTHING,
    like: Job | None = None,
    dialect: Dialect | Mapping[str, Any] = MappingProxyType({}),
    batch_bytes: int | None = None,
    again: bool = False,
    unpacking: Progress | None = None,
    called: Mapping[Location, str] = MappingProxyType({}),
) -> Plan:
    """Reads the header and the graph, and fits one to the other: by `words`, which win over those in the file beside
    the model, and these over what the job `like` has, as far as the model has such inputs. `all_columns`: as if `keep`
    had each column of the input; `errors`: rejects have a row in the scores file too; `threshold`: it has a
    column of verdicts; `explain`: it has one of reasons; `limit`: so many records alone, the first ones; 0: all.
    `dialect` may be a part of one, by the fields of Dialect: the rest is found in the file.
    What can't be read in place is copied first, and `unpacking` is told how far that is. `called`: that files are meant
    as one of several, and what their records have as the name of their file.

    Raises InputError (no such file, no such column, a dialect that is in doubt) or GraphError (no frozen graph, nothing
    to feed, no such node, a placeholder that a column can't feed, an op that workers refuse): all that can be known
    before anything is enqueued.
    """
    chosen = choose_model(model, settings, words, like)
    if settings.redis_url is None:  # the workers have this command's settings
        check_accepted(chosen.graph, settings.allow_ops)
    reading, input = _opened(file, settings, dialect, unpacking, called)
    source = reading.source
    try:
        fitted = fit_table(
            chosen, source, id_column, keep, all_columns=all_columns, errors=errors, threshold=threshold,
            explain=explain,
        )  # fmt: skip
        identity = reading.size, reading.mtime_ns, reading.version
        read = [member.location for member in reading.members] or [source.read_from]
        place = place_of(read, settings, is_copied=reading.copy_bytes > 0)
        job = make_job(input, identity, reading.dialect, reading.copy_bytes, chosen, fitted, settings, place)
        job = replace(
            job,
            files=base64.b64encode(Manifest(reading.members).encode()).decode() if reading.members else "",
            limit=limit,
            errors=errors,
            threshold=fitted.threshold,
            explain=explain.pieces,
            explain_from=explain.least,
            again=uuid.uuid4().hex if again else "",
            batch_bytes=batch_bytes or job.batch_bytes,
            format=0,
        )
    except BaseException:
        source.close()
        raise
    return Plan(job, source, chosen.graph, reading.copy)


def place_of(read: Sequence[Location], settings: Settings, *, is_copied: bool) -> str:
    """The name of the place through which workers read these files themselves; empty if there is none."""
    # Workers of one's own have one's credentials for object storage, those of others need not.
    stored = any(isinstance(each, Url) for each in read)
    shared = settings.redis_url is None or (settings.spool is not None and (is_copied or not stored))
    return choose(read, () if is_copied else settings.data, spool=shared)


def make_job(
    file: Location, identity: tuple[int, int, str], dialect: Dialect, copy_bytes: int,
    chosen: Chosen, fitted: Fitted, settings: Settings, place: str,
) -> Job:  # fmt: skip
    """`identity` is the file's size, modification time and version; `copy_bytes` that of the copy which is read in its
    place, if there is one."""
    size, mtime_ns, version = identity
    return Job(
        input=os.fsdecode(file),
        size=size,
        mtime_ns=mtime_ns,
        version=version,
        model=chosen.graph.sha256,
        feeds=fitted.fed.feeds,
        fetches=chosen.fetches,
        constants=fitted.fed.constants,
        dialect=dialect,
        copy_bytes=copy_bytes,
        id_column=fitted.id_column,
        keep=fitted.keep,
        max_record_bytes=settings.max_record_bytes,
        batch_bytes=settings.batch_bytes or fit_batches(copy_bytes or size, bool(place)),
        block_bytes=fit_blocks(copy_bytes or size),
        by_reference=place,
        model_name=chosen.graph.path.name,
        created=_now(),
        incarnation=_incarnation(),
        placed=True,
    )


def _opened(
    file: Location | Sequence[Location],
    settings: Settings,
    dialect: Dialect | Mapping[str, Any],
    unpacking: Progress | None,
    called: Mapping[Location, str],
) -> tuple[Reading, Location]:
    """And what it is called in the job's record: a file, or what stands for several."""
    how = settings.max_record_bytes, dialect, copies(settings.home), unpacking
    names = [file] if isinstance(file, Path | Url) else [*file]
    if copies(settings.home).is_dir():
        Folder(copies(settings.home)).tidy(settings.keep_days * DAY)
    if len(names) == 1 and is_piped(names[0]):
        path = spooled(names[0], copies(settings.home), unpacking)
        return read_input(path, *how, named="standard input"), path.resolve()
    if len(names) > 1 or called or is_several(names[0]):
        reading = read_inputs(names, *how, called=called)
        return reading, reading.source.path
    return read_input(names[0], *how), names[0].resolve()


def renewed(job: Job) -> Job:
    """The same job in another life."""
    return replace(job, created=_now(), incarnation=_incarnation(), format=max(job.format, PLAIN), placed=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _incarnation() -> str:
    return secrets.token_hex(8)
