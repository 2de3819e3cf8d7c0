"""The Python API, on which the commands stand too."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from formats.csv.beside import checked
from formats.files.location import Location, Url, locate
from formats.reason_cells import Reason, parse
from jobs.settings import Settings
from producer.client import Client, LateClient
from producer.keywords import make_words
from producer.lifetime import tie
from producer.pipeline.explaining import explain_of
from producer.pipeline.plan import make_plan
from producer.submission import Submission, submit


def enqueue(
    file: Location | str | Sequence[Location | str],
    *,
    model: Location | str | None = None,
    id: str | None = None,
    keep: Sequence[str] = (),
    all_columns: bool = False,
    errors: bool = False,
    threshold: float | None = None,
    explain: int = 0,
    explain_from: float | None = None,
    limit: int = 0,
    feed: Mapping[str, str | Sequence[str]] | Sequence[str] = (),
    set: Mapping[str, object] | Sequence[str] = (),
    fetch: Mapping[str, str] | Sequence[str] = (),
    pad: object = None,
    fill: object = None,
    truncate: bool = False,
    null: object = (),
    strict_encoding: bool | None = None,
    dialect: Mapping[str, object] | None = None,
    batch_bytes: int | None = None,
    again: bool = False,
    workers: int = 0,
    deadline: datetime | None = None,
    require_signature: Path | str | None = None,
) -> Submission:
    """Reads the file, or several as one job, folders and patterns among them, and enqueues all of it, waiting for room
    where there is none; returns the job, to be followed. `deadline` as for `submit`; `require_signature`: the public
    key, or a folder of such, of which one must have signed the model.

    `feed`, `set` and `fetch` are the words of `producer enqueue`, as texts (`["x=a,b"]`) or as what they say
    (`{"x": ["a", "b"]}`, `{"keep_prob": 1}`, `{"spam": "dense_2"}`); so are `pad`, `fill`, `truncate`, `null` (one, or
    a list of several) and `strict_encoding`.

    With a `threshold` the scores file has a column `verdict` behind the outputs: `spam` where the first of these is at
    least that, else `ham`. With `explain=N` it has a column `reasons`: the N pieces of a text that moved its score
    most, where that is at least `explain_from` (0.5); `producer.parse_reasons` reads it.

    `dialect` is how the file is to be read, where it can't be found out or is to be otherwise:
    `{"delimiter": ";", "encoding": "windows-1252", "skip_lines": 1}`, and what else the fields of Dialect are.

    With REDIS_URL unset, an embedded server and local workers run until this Python process ends, or the job is closed.
    Raises InputError, GraphError, ServerError or JobError, all of them NightshiftError.
    """
    settings = Settings.from_environment()
    if require_signature:
        settings = replace(settings, model_keys=(Path(require_signature),))
    with contextlib.ExitStack() as failed:
        late = failed.enter_context(LateClient(settings, workers))
        plan = make_plan(
            _located(file),
            settings, model=locate(model) if model else None, id_column=id, keep=keep,
            all_columns=all_columns, errors=errors, threshold=threshold,
            explain=explain_of(explain, explain_from), limit=limit,
            words=make_words(feed, set, fetch, pad, fill, truncate, null, strict_encoding),
            dialect=checked(dict(dialect or {}), ""),
            batch_bytes=batch_bytes, again=again, unpacking=late.warm_up,
        )  # fmt: skip
        submission = submit(late.client, plan, workers, deadline)
        submission._end = tie(submission, late.client)
        failed.pop_all()  # it stays open
    submission.enqueue_all()
    return submission


def plan(
    file: Location | str | Sequence[Location | str],
    *,
    model: Location | str | None = None,
    id: str | None = None,
    keep: Sequence[str] = (),
    all_columns: bool = False,
    errors: bool = False,
    threshold: float | None = None,
    explain: int = 0,
    explain_from: float | None = None,
    limit: int = 0,
    feed: Mapping[str, str | Sequence[str]] | Sequence[str] = (),
    set: Mapping[str, object] | Sequence[str] = (),
    fetch: Mapping[str, str] | Sequence[str] = (),
    pad: object = None,
    fill: object = None,
    truncate: bool = False,
    null: object = (),
    strict_encoding: bool | None = None,
    dialect: Mapping[str, object] | None = None,
    batch_bytes: int | None = None,
    workers: int = 0,
    timed: bool = True,
) -> dict[str, Any]:
    """How `enqueue` would read and feed the file, or several as one, and what scoring would take; nothing is enqueued,
    and nothing written. The words are those of `enqueue`. Without `timed` the model is not tried out.

    Returns what `producer plan --json` prints, which docs/operating.md explains: among others `columns`, `records` (an
    int; with `records_exact` and `records_interval`), `dialect`, `feeds`, `problem` (why it could not be scored, or
    None), `rows` (texts, [<= 10, columns]), `sample`, `seconds` (`low` and `high`, or None), `memory_bytes`.

    Raises InputError for a file that can't be read, or in more than one way, or, of several, has other columns.
    """
    from producer.lookahead.look import look_ahead

    return look_ahead(
        _located(file),
        Settings.from_environment(), model=locate(model) if model else None, id_column=id, keep=keep,
        all_columns=all_columns, errors=errors, threshold=threshold,
        explain=explain_of(explain, explain_from), limit=limit,
        words=make_words(feed, set, fetch, pad, fill, truncate, null, strict_encoding),
        dialect=checked(dict(dialect or {}), ""),
        batch_bytes=batch_bytes, workers=workers, timed=timed,
    ).to_dict()  # fmt: skip


def _located(file: Location | str | Sequence[Location | str]) -> list[Location]:
    """One or several; each may be a folder or a pattern."""
    return [locate(each) for each in ([file] if isinstance(file, str | Path | Url) else file)]


def parse_reasons(cell: bytes | str) -> list[Reason]:
    """What a cell of the column `reasons` says: each reason as (name, share). The name is a piece of the text, as the
    bytes that stand in it, and the share is in logits; or it is a rule's name, a text, with what that added or whether
    it is the one that decided (`"allow"`, `"deny"`). Raises ValueError for what is no such cell."""
    return parse(cell)


def attach(job_id: str) -> Submission:
    """A job submitted before, here or elsewhere. Raises JobError if there is none of that id."""
    client = Client(Settings.from_environment())
    try:
        submission = Submission(client, client.ledger.job(job_id))
        submission._end = tie(submission, client)
    except BaseException:
        client.close()
        raise
    return submission
