"""A submitted job: what becomes of it, its files and its rows."""

import getpass
import shlex
import socket
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import redis

from formats.errors import InputError, NightshiftError
from formats.files.location import Location, locate
from formats.rejects import Reject
from formats.source import Source
from graphs.words import NOTHING, Words
from jobs.errors import JobError, MissingError, StoppedError
from jobs.input import open_input
from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.record import Job
from producer.client import Client
from producer.display.reporters import Silence, print_error
from producer.outputs.document import vouches
from producer.outputs.made import check_output, made_at, made_for, publish
from producer.outputs.paths import check_local
from producer.outputs.receipt import Limit, Receipt, make_receipt
from producer.outputs.scored import Scored
from producer.outputs.wanted import Output, parse_output
from producer.pipeline.plan import Plan
from producer.pipeline.reporter import Reporter
from producer.pipeline.retry import retry
from producer.pipeline.run import Run
from producer.pipeline.submit import submit as submit_plan

if TYPE_CHECKING:
    import pandas as pd


class Submission:
    """A submitted job: follow it, collect it, read it. A `with` block closes what was opened for it."""

    def __init__(self, client: Client, job: Job, source: Source | None = None, graph: bytes | None = None) -> None:
        self.job = job
        self._client = client
        self._source = source
        self._graph = graph
        self._end: weakref.finalize[..., object] | None = None  # what closes the connection, if it is this job's own
        self._closed = False

    @property
    def _ledger(self) -> Ledger:
        if self._closed:
            raise JobError(f"{self.id} was closed here; producer.attach({self.id!r}) opens it again")
        return self._client.ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes what was opened for the job, the embedded server and its workers included unless others need them; the
        job goes on wherever there are workers. Without it, producer/lifetime.py says when."""
        if not self._closed:
            self._closed = True
            if self._source:
                self._source.close()
            if self._end:
                self._end.detach()
                self._client.close()

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
        if not self._ledger.removal.forget(self.job.life):
            raise JobError(f"{self.id} is running: cancel it first")

    def retry(
        self, model: Location | str | None = None, report: Reporter | None = None, words: Words = NOTHING
    ) -> Receipt:
        """Scores the rejects again, by default with the same model, and puts those that were scored in their places in
        the collected files; if none was, these stay as they are. What `words` don't say is fed as before. Raises
        JobError unless the job is complete and collected, or if it has no reject that could be mended."""
        self._check_complete()
        output = self._scored().output
        if output is None:
            raise JobError(f"{self.id} is not collected yet: producer collect {self.id} --output PATH")
        output = check_local(output, [locate(self.job.input)])
        if not vouches(output, self.job):  # only the server says that these files are the job's
            raise JobError(
                f"{output} has no receipt of {self.id}: producer collect {self.id} --output {shlex.quote(str(output))} "
                "writes it"
            )
        report = report or Silence(self.job)
        if not retry(self._client, self.job, output, locate(model) if model is not None else None, words, report):
            with report:
                report.say(f"none of the rejects of {self.id} could be scored: its files are as they were")
        made = made_at(output, self._client.settings.home)
        receipt = made.told(self.receipt)
        try:
            publish(made)
        except NightshiftError as error:
            raise NightshiftError(
                f"{error}; producer collect {self.id} --output {shlex.quote(str(receipt.output))} publishes it"
            ) from error
        return receipt

    def progress(self) -> Progress:
        """The ledger's counters at this moment."""
        return self._ledger.progress(self.id)

    @property
    def is_new(self) -> bool:
        """Whether nothing of the input was enqueued yet. (A server that was just killed may have lost the job; whoever
        follows it enters it again.)"""
        try:
            return self.progress().records == 0
        except MissingError:
            return True

    def enqueue_all(self, report: Reporter | None = None) -> None:
        """Reads the file to its end, enqueuing as room permits. Raises JobError if the job fails meanwhile."""
        self._run(report, until_sealed=True)

    def wait(
        self, output: Output | str | None = None, report: Reporter | None = None, max_rejects: Limit | None = None
    ) -> Receipt:
        """Follows the job to its end, and writes the scores file if `output` is given: a path or URL, or, with a slash
        at its end, a folder for parts. Raises JobError if it fails; StoppedError, which has the first `rejects`, as
        soon as it is bound to have more than `max_rejects` (`(100, False)`: 100 of them; `(0.1, True)`: 0.1%).

        The hooks are told when it is complete (and whether it has more rejects than `max_rejects`), when it failed, was
        stopped or could not be followed, and when it will be late.
        """
        news = self._client.news
        made = None
        if output:
            wanted = check_output(parse_output(output), [locate(self.job.input)])
            made = made_for(wanted, self._client.settings.home)
        try:
            path = made.path if made else None
            progress = self._run(report, output=path, tell=True, max_rejects=max_rejects)
            if made:
                publish(made)
        except StoppedError as error:
            news.tell_stopped(self._last_receipt(), str(error))
            raise
        except Exception as error:
            news.tell_failed(self._last_receipt(), str(error), self.job.input, self.id)
            raise
        receipt = make_receipt(self.job, progress)
        if made:
            receipt = made.told(receipt)
        news.tell_complete(receipt, max_rejects)
        return receipt

    def scores(self) -> "pd.DataFrame":
        """The id, the kept columns (strings), then one column an output. Bytes that are not UTF-8 are surrogates in
        them, as in file names: `os.fsencode` gives them back. Raises JobError unless complete, and if what was
        collected is not there as it was written."""
        from producer.outputs.frame import frame

        self._check_complete()
        return frame(self._scored())

    def rejects(self) -> Iterator[Reject]:
        """The rejects so far, in record order. Raw text of what a worker rejected is read from the input again, and
        is empty if that is gone. Of a stopped job the first ones, without that. Raises JobError if they were collected
        to a file that is gone."""
        progress = self.progress()
        if progress.state == "stopped":
            yield from progress.first_rejects
        else:
            yield from self._scored().rejects(self._input())

    def _last_receipt(self) -> Receipt | None:
        """None if the server does not say."""
        try:
            return self.receipt
        except (NightshiftError, redis.RedisError):
            return None

    def _run(
        self,
        report: Reporter | None,
        output: Path | None = None,
        until_sealed: bool = False,
        tell: bool = False,
        max_rejects: Limit | None = None,
    ) -> Progress:
        run = Run(self._client, self.job, self._input(), self._graph)

        def late(progress: Progress, text: str) -> None:
            if tell:
                self._client.news.tell_late(make_receipt(run.job, progress), text)

        try:
            return run.to_its_end(
                report or Silence(self.job), output=output, until_sealed=until_sealed, late=late,
                max_rejects=max_rejects,
            )  # fmt: skip
        finally:
            self.job = run.job

    def _input(self) -> Source | None:
        """The input, if it is still what the job was made from."""
        if self._source is None:
            try:
                self._source = open_input(self.job, self._client.settings.home)
            except InputError:
                return None
        return self._source

    def _scored(self) -> Scored:
        """Where its rows are. Raises JobError if they were collected to a file that is not there as it was written."""
        return Scored(self._ledger, self.job, self.progress(), self._client.settings)

    def _check_complete(self) -> None:
        progress = self.progress()
        if progress.state != "complete":
            raise JobError(f"{self.id} is {progress.state}" + (f": {progress.error}" if progress.error else ""))


def submit(
    client: Client,
    plan: Plan,
    workers: int = 0,
    deadline: datetime | None = None,
    say: Callable[[str], object] = print_error,
) -> Submission:
    """The plan's job on the client's server, as producer/pipeline/submit.py makes it."""
    job = submit_plan(client, plan, workers, deadline, say)
    return Submission(client, job, plan.source, plan.graph.data)
