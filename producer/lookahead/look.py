"""A look ahead at a file, or at several as one input: all that can be said of it, and of what scoring it would take,
before it is enqueued."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import redis

from formats.columns import id_column_of
from formats.csv.dialect import Dialect
from formats.errors import InputError, NightshiftError
from formats.files.location import Location
from formats.glance import Glance
from formats.glance_several import glance_at
from formats.source import Source
from graphs.errors import GraphError
from graphs.suggest import suggest
from graphs.words import NOTHING, Words, feed_word
from jobs.ledger import Ledger
from jobs.reasons import UNEXPLAINED, Explain
from jobs.record import Job
from jobs.server import connect
from jobs.settings import Settings
from jobs.spool import Spool
from producer.graph import Graph
from producer.lookahead.cost import Cost, Workers, cost_of, workers_there
from producer.lookahead.records import Count, count
from producer.lookahead.sampling import sampled, spread, with_model
from producer.lookahead.trial import try_out
from producer.pipeline.fitting import Chosen, choose_model, fit_table
from producer.pipeline.plan import make_job, place_of
from producer.pipeline.precheck import Sample, sentences

ROWS = 10
NOT_ASKED = "it was not asked for"
SUGGESTED_FROM = 200  # columns at most


@dataclass(slots=True)
class Lookahead:
    """What was seen. `problem` says why the file could not be scored so; `mend` the options that would help."""

    input: Location
    files: int  # 0: it is a file, and not several
    limit: int  # of records that would be scored; 0: all
    container: str
    source: Source  # closed
    size: int  # bytes
    dialect: Dialect
    records: Count
    rows: list[list[str]]
    sample: Sample
    odd: list[str]  # sentences on it
    tried: int  # records of it that the model was tried on
    model: Graph | None
    job: Job | None  # as it would be enqueued; none where there is a problem that comes before
    cost: Cost
    workers: int | None  # processes; None: nobody says
    problem: str | None = None
    mend: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        job, sample, cost = self.job, self.sample, self.cost
        return {
            "input": str(self.input),
            "files": self.files or None,
            "limit": self.limit or None,
            "size": self.size,
            "container": self.container or None,
            "dialect": {**asdict(self.dialect), "columns": [*self.dialect.columns]},
            "read_as": str(self.dialect),
            "columns": list(self.source.columns),
            "records": self.records.records,
            "records_exact": self.records.is_exact,
            "records_interval": [self.records.low, self.records.high],
            "model": self.model and {"name": self.model.path.name, "sha256": self.model.sha256},
            "feeds": [
                {"placeholder": each.placeholder, "columns": list(each.columns), "form": each.form, "dtype": each.dtype}
                for each in (job.feeds if job else ())
            ],
            "constants": {each.placeholder: each.value for each in (job.constants if job else ())},
            "threshold": job.threshold if job else None,
            "explain": job.explain if job else 0,
            "explain_from": job.explain_from if job and job.explain else None,
            "outputs": list(job.output_names) if job else [],
            "id_column": job.id_column if job else None,
            "keep": list(job.keep) if job else [],
            "problem": self.problem,
            "mend": self.mend,
            "rows": self.rows,
            "sample": {
                "records": sample.records,
                "is_all": sample.is_whole and self.records.is_exact,
                "tried": self.tried,
                "rejected": sample.codes.total(),
                "codes": dict(sample.codes.most_common()),
                "examples": [
                    {"record": each.record, "line": each.line, "code": each.code, "detail": each.detail}
                    for each in sample.rejects
                ],
                "not_valid": sample.odd,
                "blank_lines": sample.blank_lines,
            },
            "workers": self.workers,
            "seconds": None if cost.low is None else {"low": round(cost.low, 1), "high": round(cost.high or 0, 1)},
            "memory_bytes": cost.memory,
            "why_no_time": cost.why_not or None,
            "measured": cost.measured or None,
        }


def look_ahead(
    files: Sequence[Location],
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
    dialect: Mapping[str, Any],
    batch_bytes: int | None = None,
    workers: int = 0,
    timed: bool = True,
) -> Lookahead:
    """As `make_plan` would have it. Where it is not `timed`, no record is scored and no server asked. Raises InputError
    for a file that can't be read, or in more than one way; what the model says to it, is in what is returned."""
    found, locations = glance_at(files, settings.max_record_bytes, dialect)
    with found.source as source:
        chosen, job, problem = _job_of(
            locations, found, settings, model, id_column, keep, words, batch_bytes, all_columns, errors, threshold,
            explain, limit,
        )  # fmt: skip
        seen = sampled(found, job, limit)
        first = found.rows(min(ROWS, limit or ROWS))
        rows = [[cell.decode("utf-8", "backslashreplace") for cell in row] for row in first]
        mend = _mended(chosen, source, rows, id_column, keep) if problem and chosen else []
        there, why_not = _workers(settings, job, workers) if timed else (None, NOT_ASKED)
        cost, tried = Cost(None, None, None, why_not), 0
        if job and chosen and timed:
            batches = spread(seen.batches)
            trial = try_out(job, chosen.graph.path, [each.records for each in batches], settings.threads)
            problem = trial.problem or None
            tried = sum(len(each.numbers) for each in batches[: len(trial.seconds)])
            with_model(seen.sample, source, batches, trial)
            if there and not problem:
                cost = cost_of(found, job, there, seen, batches, trial)
        elif timed and problem:
            cost = Cost(None, None, None, "nothing would be scored")
        return Lookahead(
            input=source.path,
            files=len(locations) if source.file_column else 0,
            limit=limit,
            container=found.container,
            source=source,
            size=found.size,
            dialect=found.dialect,
            records=count(found, seen.sample, seen.densities, limit),
            rows=rows,
            sample=seen.sample,
            odd=sentences(seen.sample, source),
            tried=tried,
            model=chosen.graph if chosen else None,
            job=job,
            cost=cost,
            workers=there.processes if there else None,
            problem=problem,
            mend=mend,
        )


def _job_of(
    files: Sequence[Location], found: Glance, settings: Settings, model: Location | None, id_column: str | None,
    keep: Sequence[str], words: Words, batch_bytes: int | None, all_columns: bool, errors: bool,
    threshold: float | None, explain: Explain, limit: int,
) -> tuple[Chosen | None, Job | None, str | None]:  # fmt: skip
    """The model, the job and, in the place of what there is not, why."""
    chosen = None
    try:
        chosen = choose_model(model, settings, words)
        fitted = fit_table(
            chosen, found.source, id_column, keep, all_columns=all_columns, errors=errors, threshold=threshold,
            explain=explain,
        )  # fmt: skip
    except (GraphError, InputError) as error:
        return chosen, None, str(error)
    identity = found.size, found.mtime_ns, found.version
    place = place_of(files, settings, is_copied=found.is_copied)
    copy_bytes = found.read_bytes if found.is_copied else 0
    job = make_job(found.source.path.resolve(), identity, found.dialect, copy_bytes, chosen, fitted, settings, place)
    batch_bytes = batch_bytes or job.batch_bytes
    job = replace(
        job, errors=errors, threshold=fitted.threshold, explain=explain.pieces, explain_from=explain.least, limit=limit,
        batch_bytes=batch_bytes, format=0,
    )  # fmt: skip
    return chosen, job, None


def _mended(
    chosen: Chosen, source: Source, rows: Sequence[Sequence[str]], id_column: str | None, keep: Sequence[str]
) -> list[str]:
    """The options with which it could be fed, guessed from the columns' names and first cells; none if there are no
    such, or something else is wrong."""
    if len(source.columns) > SUGGESTED_FROM or len(set(source.columns)) < len(source.columns):
        return []
    cells = {name: [row[place] for row in rows] for place, name in enumerate(source.columns)}
    try:
        wants = chosen.graph.signature.needed_by(chosen.fetches)
        id_column = id_column or id_column_of(source.columns)
        words, _ = suggest(wants, chosen.words, cells, id_column)
        fit_table(replace(chosen, words=words), source, id_column, keep)
    except NightshiftError:
        return []
    said = chosen.words
    feeds = [["--feed", feed_word(name, items)] for name, items in words.feeds.items() if name not in said.feeds]
    sets = [["--set", f"{name}={value}"] for name, value in words.constants.items() if name not in said.constants]
    return [word for option in (*feeds, *sets) for word in option]


def _workers(settings: Settings, job: Job | None, wished: int) -> tuple[Workers | None, str]:
    """Those that are there, or why nobody says."""
    if settings.redis_url is None:
        return workers_there(None, job, wished), ""
    try:
        server = connect(settings.redis_url)
        try:
            return workers_there(Ledger(server, Spool(settings.spool), settings.data), job, wished), ""
        finally:
            server.close()
    except (redis.RedisError, NightshiftError) as error:
        return None, f"the server does not answer: {' '.join(str(error).split())}"
