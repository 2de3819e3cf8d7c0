"""The Python API, on which the commands stand too."""

import getpass
import json
import os
import socket
import weakref
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import redis

from formats.csv.reader import Reader
from formats.errors import InputError, NightshiftError
from formats.rejects import Reject
from jobs.batch import Kept, Result
from jobs.errors import JobError, LostError
from jobs.ledger import Ledger
from jobs.logs import bound
from jobs.progress import Progress
from jobs.record import Job
from jobs.settings import Settings
from producer.display.progress import Reporter, Silence, print_error
from producer.lifetime import tie
from producer.notify.events import tell_complete, tell_failed, tell_late
from producer.outlook.deadline import deadline_of, keep_deadline
from producer.outputs.paths import check_output
from producer.outputs.proof import proven_output
from producer.outputs.receipt import Limit, Receipt, make_receipt
from producer.outputs.rows import Rows
from producer.pipeline.batching import Enqueuer, make_cursor
from producer.pipeline.collect import Collector
from producer.pipeline.follow import follow
from producer.pipeline.plan import Plan, make_plan, renewed
from producer.pipeline.retry import read_rejects, retry_rejects
from producer.server.connection import Connection
from producer.server.patience import patiently

if TYPE_CHECKING:
    import pandas as pd

READ_BATCHES = 16  # fetched at once when scores are read without being collected


class Submission:
    """A submitted job: follow it, collect it, read it. A `with` block closes what was opened for it."""

    def __init__(
        self, connection: Connection, job: Job, reader: Reader | None = None, graph: bytes | None = None
    ) -> None:
        self.job = job
        self._connection = connection
        self._reader = reader
        self._graph = graph
        self._end: weakref.finalize[..., object] | None = None  # what closes the connection, if it is this job's own
        self._closed = False

    @property
    def _ledger(self) -> Ledger:
        if self._closed:
            raise JobError(f"{self.id} was closed here; producer.attach({self.id!r}) opens it again")
        return self._connection.ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes what was opened for the job, the embedded server and its workers included unless others need them; the
        job goes on wherever there are workers. Without it, producer/lifetime.py says when."""
        if not self._closed:
            self._closed = True
            if self._reader:
                self._reader.close()
            if self._end:
                self._end.detach()
                self._connection.close()

    @property
    def id(self) -> str:
        return self.job.id

    @property
    def receipt(self) -> Receipt:
        """The counts at this moment."""
        return make_receipt(self.job, self.progress())

    def cancel(self) -> bool:
        """Stops the job: a batch that is being scored is the last of its worker. False if it had ended before."""
        return self._ledger.cancel(self.job.life, f"by {getpass.getuser()} on {socket.gethostname()}")

    def forget(self) -> None:
        """Frees all that the server has of the job. Raises JobError if it still runs."""
        if not self._ledger.erase(self.job.life):
            raise JobError(f"{self.id} is running: cancel it first")

    def retry(self, model: Path | str | None = None, report: Reporter | None = None) -> Receipt:
        """Scores the rejects again, by default with the same model, and puts those that were scored in their places in
        the collected files; if none was, these stay as they are. Raises JobError unless the job is complete and
        collected, or if it has no reject that could be mended."""
        self._check_complete()
        output = self._collected_output()
        if output is None:
            raise JobError(f"{self.id} is not collected yet: producer collect {self.id} --output PATH")
        output = check_output(output, [Path(self.job.input)])

        def score_again(rejected: Path, scores: Path) -> Job:
            plan = make_plan(
                rejected, self._connection.settings, model=self._model(model, rejected.parent),
                id_column=self.job.id_column, keep=self.job.keep, fetch=self.job.fetches,
            )  # fmt: skip
            submission = submit(self._connection, plan)
            submission._follow(report, output=scores)  # no event of its own
            submission.forget()
            return submission.job

        largest = self._connection.settings.max_record_bytes
        try:
            mended = retry_rejects(self._ledger, self.job, output, largest, score_again)
        except OSError as error:
            raise NightshiftError(f"{error.filename or output}: {error.strerror}") from error
        if not mended:
            with report or Silence(self.job) as shown:
                shown.say(f"none of the rejects of {self.id} could be scored: its files are as they were")
        return self.receipt

    def _model(self, model: Path | str | None, folder: Path) -> Path:
        """The one that is named, or else the job's own, as a file in `folder`."""
        if model is not None:
            return Path(model)
        graph = self._ledger.model(self.job.model)
        if graph is None:
            raise JobError(f"the model of {self.id} is not on the server any more: name it with --model")
        path = folder / (Path(self.job.model_name).name or "model.pb")
        path.write_bytes(graph)
        return path

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
        """The id, the kept columns (strings), then one column an output. Bytes that are not UTF-8 are surrogates in
        them, as in file names: `os.fsencode` gives them back. Raises JobError unless complete, and if what was
        collected is not there as it was written."""
        from producer.outputs.frame import join_scores, read_scores

        self._check_complete()
        output = self._collected_output()
        return join_scores(self._results(), self.job) if output is None else read_scores(output, self.job)

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

        with report or Silence(self.job) as shown:
            try:
                return self._follow_once(shown, output, until_sealed, late)
            except LostError as error:  # once: what is lost again would be lost for ever
                self._begin_anew(error, shown)
                return self._follow_once(shown, output, until_sealed, late)

    def _follow_once(
        self, shown: Reporter, output: Path | None, until_sealed: bool, late: Callable[[Progress, str], object]
    ) -> Progress:
        reader = self._input()
        window = self._connection.settings.window
        enqueuer = Enqueuer(self._ledger, self.job, reader, window) if reader else None
        collector = Collector(self._ledger, self.job, output, reader) if output else None
        try:
            with bound(self.id):
                progress = follow(
                    self._connection, self.job, shown,
                    enqueuer=enqueuer, collector=collector, until_sealed=until_sealed, late=late,
                )  # fmt: skip
        finally:
            for part in (collector, enqueuer):
                if part:
                    part.close()
        if collector and collector.taken_from:
            shown.say(f"scores are taken from {collector.taken_from}, where they are as they were written")
        retried = json.loads(progress.fields.get("retried", "[]"))
        if collector and collector.left_alone and retried:
            names = ", ".join(each["model"][:12] for each in retried)
            shown.say(f"{output} is left as producer retry made it: rows in it are by the model {names}")
        return progress

    def _begin_anew(self, lost: LostError, report: Reporter) -> None:
        """Scores the input again, in another life of the job. Raises JobError if the input or the model is gone."""
        reader = self._input()
        graph = self._graph or self._ledger.model(self.job.model)
        if reader is None:
            raise JobError(f"{lost}; {self.job.input} is gone or has changed, so it can't be scored again")
        if graph is None:
            raise JobError(f"{lost}; its model is not on the server any more: enqueue the file again")
        report.say(f"{lost}: {reader.path.name} is scored again")
        deadline = deadline_of(self.progress())
        self._ledger.cancel(self.job.life, "what was collected of it is lost")
        self._ledger.erase(self.job.life)
        again = renewed(self.job)
        self._ledger.submit(again, make_cursor(reader.start))
        self._ledger.put_model(again.model, graph)
        self.job = self._ledger.job(again.id)
        if deadline is not None:
            keep_deadline(self._ledger, self.job.life, datetime.fromtimestamp(deadline).astimezone())
        self._connection.start_workers(os.cpu_count() or 1)

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
        while pairs := self._ledger.answers.results(self.job.life, batch, READ_BATCHES):
            for kept, result in pairs:
                yield Kept.decode(kept), Result.decode(result)
            batch += len(pairs)

    def _collected_output(self) -> Path | None:
        """The scores file, if the job was collected to one. Raises JobError if it is not there as it was written."""
        return proven_output(self._ledger, self.job, self.progress())

    def _check_complete(self) -> None:
        progress = self.progress()
        if progress.state != "complete":
            raise JobError(f"{self.id} is {progress.state}" + (f": {progress.error}" if progress.error else ""))


def submit(
    connection: Connection,
    plan: Plan,
    workers: int = 0,
    deadline: datetime | None = None,
    say: Callable[[str], object] = print_error,
) -> Submission:
    """Makes the plan's job, or attaches to it if it is there; one that failed begins anew. In the embedded mode it
    starts `workers` worker processes (0: one a core) if there is something to score. `deadline`, local unless it has a
    time zone, is when the job is wanted; one that it has already stays if it is earlier. Waits for a server that can't
    serve at this moment, and has `say` say so."""
    return patiently(lambda: _submit(connection, plan, workers, deadline), say, connection.check)


def _submit(connection: Connection, plan: Plan, workers: int, deadline: datetime | None) -> Submission:
    ledger, job = connection.ledger, plan.job
    cursor = make_cursor(plan.reader.start)
    state = ledger.submit(job, cursor)
    if state in ("failed", "cancelled"):
        ledger.erase(ledger.job(job.id).life)
        state = ledger.submit(job, cursor)
    job = ledger.job(job.id)  # as it was submitted first
    if state == "running":
        if deadline:
            keep_deadline(ledger, job.life, deadline)
        ledger.put_model(job.model, plan.graph.data)
        connection.start_workers(workers or os.cpu_count() or 1)
    return Submission(connection, job, plan.reader, plan.graph.data)


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

    With REDIS_URL unset, an embedded server and local workers run until this Python process ends, or the job is closed.
    Raises InputError, GraphError, ServerError or JobError, all of them NightshiftError.
    """
    settings = Settings.from_environment()
    plan = make_plan(
        Path(file), settings, model=Path(model) if model else None, id_column=id, keep=keep, fetch=fetch,
        batch_bytes=batch_bytes, again=again,
    )  # fmt: skip
    connection = Connection(settings)
    try:
        submission = submit(connection, plan, workers, deadline)
        submission._end = tie(submission, connection)
    except BaseException:
        connection.close()
        raise
    submission.enqueue_all()
    return submission


def attach(job_id: str) -> Submission:
    """A job submitted before, here or elsewhere. Raises JobError if there is none of that id."""
    connection = Connection(Settings.from_environment())
    try:
        submission = Submission(connection, connection.ledger.job(job_id))
        submission._end = tie(submission, connection)
    except BaseException:
        connection.close()
        raise
    return submission
