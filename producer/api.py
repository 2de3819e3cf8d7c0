"""The Python API, on which the commands stand too."""

import atexit
import getpass
import os
import socket
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from jobs.batch import Kept, Reject, Result
from jobs.errors import InputError, JobError, NightshiftError
from jobs.logs import bound
from jobs.progress import Progress
from jobs.record import Job
from jobs.settings import Settings
from producer.batching import Enqueuer, make_cursor
from producer.collect import Collector, Rows, rejects_path
from producer.connection import Connection
from producer.deadline import keep_deadline
from producer.events import tell_complete, tell_failed, tell_late
from producer.follow import follow
from producer.plan import Plan, make_plan
from producer.progress import Reporter, Silence
from producer.reader import Reader
from producer.receipt import Limit, Receipt, make_receipt
from producer.retry import READER_CODES, cut_rejects, merge, read_rejects

if TYPE_CHECKING:
    import pandas as pd

READ_BATCHES = 16  # fetched at once when scores are read without being collected


def default_output(file: Path) -> Path:
    """messages.csv has messages.scores.csv, beside it."""
    return file.with_name(f"{file.stem if file.suffix == '.csv' else file.name}.scores.csv")


class Submission:
    """A submitted job: follow it, collect it, read it."""

    def __init__(self, connection: Connection, job: Job, reader: Reader | None = None) -> None:
        self.job = job
        self._connection = connection
        self._ledger = connection.ledger
        self._reader = reader

    @property
    def id(self) -> str:
        return self.job.id

    @property
    def receipt(self) -> Receipt:
        """The counts at this moment."""
        return make_receipt(self.job, self.progress())

    def cancel(self) -> bool:
        """Stops the job: a batch that is being scored is the last of its worker. False if it had ended before."""
        return self._ledger.cancel(self.id, f"by {getpass.getuser()} on {socket.gethostname()}")

    def forget(self) -> None:
        """Frees all that the server has of the job. Raises JobError if it still runs."""
        if not self._ledger.erase(self.id):
            raise JobError(f"{self.id} is running: cancel it first")

    def retry(self, model: Path | str | None = None, report: Reporter | None = None) -> Receipt:
        """Scores the rejects again, by default with the same model, and puts them in their places in the collected
        files. Raises JobError unless the job is complete and collected, or if no reject could be mended."""
        self._check_complete()
        output = self._collected_output()
        if output is None:
            raise JobError(f"{self.id} is not collected yet: producer collect {self.id} --output PATH")
        settings = self._connection.settings
        cut = cut_rejects(self.job, output, settings.max_record_bytes)
        again = cut.path.with_suffix(".scores.csv")
        try:
            if model is None:
                kept_model = self._ledger.model(self.job.model)
                if kept_model is None:
                    raise JobError(f"the model of {self.id} is not on the server any more: name it with --model")
                model = cut.path.with_suffix(".pb")
                model.write_bytes(kept_model)
            plan = make_plan(
                cut.path, settings, model=Path(model), id_column=self.job.id_column, keep=self.job.keep,
                fetch=self.job.fetches,
            )  # fmt: skip
            submission = submit(self._connection, plan)
            submission._follow(report, output=again)  # no event of its own
            codes = merge(self.job, self.progress().records, output, again, cut)
            submission.forget()
        finally:
            for path in (cut.path, again, rejects_path(again), cut.path.with_suffix(".pb")):
                path.unlink(missing_ok=True)
        by_reader = {code: number for code, number in codes.items() if code in READER_CODES}
        by_workers = {code: number for code, number in codes.items() if code not in READER_CODES}
        sizes = output.stat().st_size, rejects_path(output).stat().st_size
        self._ledger.retried(self.id, by_reader, by_workers, sizes)
        return self.receipt

    def progress(self) -> Progress:
        """The ledger's counters at this moment."""
        return self._ledger.progress(self.id)

    def enqueue_all(self, report: Reporter | None = None) -> None:
        """Reads the file to its end, enqueuing as room permits. Raises JobError if the job fails meanwhile."""
        self._follow(report, until_sealed=True)

    def wait(
        self, output: Path | str | None = None, report: Reporter | None = None, max_rejects: Limit | None = None
    ) -> Receipt:
        """Follows the job to its end, and writes the scores file if `output` is given. Raises JobError if it fails.

        The hooks are told when it is complete (and whether it has more rejects than `max_rejects`), when it failed or
        could not be followed, and when it will be late.
        """
        try:
            progress = self._follow(report, output=Path(output) if output else None, tell=True)
        except Exception as error:
            tell_failed(self._connection, self._last_receipt(), str(error), self.job.input, self.id)
            raise
        receipt = make_receipt(self.job, progress)
        tell_complete(self._connection, receipt, max_rejects)
        return receipt

    def scores(self) -> "pd.DataFrame":
        """The id, the kept columns (strings), then one column an output. Raises JobError unless complete."""
        import pandas as pd
        import pyarrow as pa

        self._check_complete()
        names = [self.job.id_name, *self.job.keep]
        output = self._collected_output()
        if output is not None:
            text = names if self.job.id_column else list(self.job.keep)
            return pd.read_csv(output, dtype=dict.fromkeys(text, "str"), keep_default_na=False, na_values={})
        rows = Rows(self.job, None)
        tables = []
        for kept, result in self._results():
            if result.scored:
                arrays = [
                    pa.array([value.decode(errors="replace") for value in array.to_pylist()])
                    if pa.types.is_binary(array.type)
                    else array
                    for array in rows.scores(kept, result)
                ]
                tables.append(pa.table(dict(zip([*names, *result.columns], arrays, strict=True))))
        if not tables:
            return pd.DataFrame(columns=[*names, *self.job.fetches])
        frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
        return frame

    def rejects(self) -> Iterator[Reject]:
        """The rejects so far, in record order. Raw text of what a worker rejected is read from the input again, and
        is empty if that is gone. Raises JobError if they were collected to a file that is gone."""
        output = self._collected_output()
        if output is not None:
            yield from read_rejects(output)
            return
        rows = Rows(self.job, self._input())
        for kept, result in self._results():
            yield from rows.rejects(kept, result)

    def _last_receipt(self) -> Receipt | None:
        """None if the server does not say."""
        try:
            return self.receipt
        except (NightshiftError, redis.RedisError):
            return None

    def _follow(
        self, report: Reporter | None, output: Path | None = None, until_sealed: bool = False, tell: bool = False
    ) -> Progress:
        def late(progress: Progress, text: str) -> None:
            if tell:
                tell_late(self._connection, make_receipt(self.job, progress), text)

        reader = self._input()
        window = self._connection.settings.window
        enqueuer = Enqueuer(self._ledger, self.job, reader, window) if reader else None
        collector = Collector(self._ledger, self.job, output, reader) if output else None
        try:
            with bound(self.id), report or Silence(self.job) as shown:
                return follow(
                    self._connection, self.job, shown,
                    enqueuer=enqueuer, collector=collector, until_sealed=until_sealed, late=late,
                )  # fmt: skip
        finally:
            for part in (collector, enqueuer):
                if part:
                    part.close()

    def _input(self) -> Reader | None:
        """The input, if it is still what the job was made from."""
        if self._reader is None:
            try:
                self._reader = Reader(self.job.input, self.job.max_record_bytes)
            except InputError:
                return None
        same = (self._reader.size, self._reader.mtime_ns) == (self.job.size, self.job.mtime_ns)
        return self._reader if same else None

    def _results(self) -> Iterator[tuple[Kept, Result]]:
        batch = 0
        while pairs := self._ledger.results(self.id, batch, READ_BATCHES):
            for kept, result in pairs:
                yield Kept.decode(kept), Result.decode(result)
            batch += len(pairs)

    def _collected_output(self) -> Path | None:
        """The scores file, if the job was collected to one. Raises JobError if it is gone."""
        progress = self.progress()
        if not progress.collected:
            return None
        output = Path(progress.fields["output"])
        if not output.exists():
            raise JobError(f"{self.id} was collected to {output}, which is not there (any more, or not yet)")
        return output

    def _check_complete(self) -> None:
        progress = self.progress()
        if progress.state != "complete":
            raise JobError(f"{self.id} is {progress.state}" + (f": {progress.error}" if progress.error else ""))


def submit(connection: Connection, plan: Plan, workers: int = 0, deadline: datetime | None = None) -> Submission:
    """Makes the plan's job, or attaches to it if it is there; one that failed begins anew. In the embedded mode it
    starts `workers` worker processes (0: one a core) if there is something to score. `deadline`, local unless it has a
    time zone, is when the job is wanted; one that it has already stays if it is earlier."""
    ledger, job = connection.ledger, plan.job
    cursor = make_cursor(plan.reader.start)
    state = ledger.submit(job, cursor)
    if state in ("failed", "cancelled"):
        ledger.erase(job.id)
        state = ledger.submit(job, cursor)
    if state == "running":
        if deadline:
            keep_deadline(ledger, job.id, deadline)
        ledger.put_model(job.model, plan.graph.data)
        connection.start_workers(workers or os.cpu_count() or 1)
    return Submission(connection, ledger.job(job.id), plan.reader)


def enqueue(
    file: Path | str,
    *,
    model: Path | str | None = None,
    id: str | None = None,
    keep: Sequence[str] = (),
    fetch: Sequence[str] = (),
    batch_bytes: int | None = None,
    again: bool = False,
    workers: int = 0,
    deadline: datetime | None = None,
) -> Submission:
    """Reads the file and enqueues all of it, waiting for room where there is none; returns the job, to be followed.
    `deadline` as for `submit`.

    With REDIS_URL unset, an embedded server and local workers run until this Python process ends. Raises InputError,
    GraphError, ServerError or JobError, all of them NightshiftError.
    """
    settings = Settings.from_environment()
    plan = make_plan(
        Path(file), settings, model=Path(model) if model else None, id_column=id, keep=keep, fetch=fetch,
        batch_bytes=batch_bytes, again=again,
    )  # fmt: skip
    connection = Connection(settings)
    atexit.register(connection.close)
    submission = submit(connection, plan, workers, deadline)
    submission.enqueue_all()
    return submission


def attach(job_id: str) -> Submission:
    """A job submitted before, here or elsewhere. Raises JobError if there is none of that id."""
    connection = Connection(Settings.from_environment())
    atexit.register(connection.close)
    return Submission(connection, connection.ledger.job(job_id))
