"""Brings a job to its end from whatever state it is in: reads on, follows, collects, scores again what was lost."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from formats.source import Source
from jobs.errors import LostError
from jobs.logs import bound
from jobs.progress import Progress
from jobs.record import Job
from producer.outputs.receipt import Limit
from producer.pipeline.budget import Budget
from producer.pipeline.collect import Collector
from producer.pipeline.enqueue import Enqueuer
from producer.pipeline.follow import follow
from producer.pipeline.reporter import Reporter
from producer.pipeline.submit import submit_again
from producer.server.connection import Connection
from producer.server.outages import wait_for_server

# Is told, once, that the job can't meet its deadline, with a line that says so.
Late = Callable[[Progress, str], object]


@dataclass(slots=True)
class Run:
    """One job on its way. `source` is its input if that is as the job read it; `graph` its model, if it is at hand."""

    connection: Connection
    job: Job  # another one, if it had to begin again
    source: Source | None
    graph: bytes | None = None

    def to_its_end(
        self,
        report: Reporter,
        *,
        output: Path | None = None,
        until_sealed: bool = False,
        late: Late | None = None,
        max_rejects: Limit | None = None,
    ) -> Progress:
        """The progress at the end of the job, collected into `output` if one is given; or, with `until_sealed`, when
        all is enqueued. Raises JobError if the job failed or was cancelled, StoppedError if it has more rejects than
        `max_rejects`, and all of them would be too many."""
        with report:
            try:
                return self._once(report, output, until_sealed, late, max_rejects)
            except LostError as error:  # once: what is lost again would be lost for ever
                name = Path(self.job.input).name
                again = partial(submit_again, self.connection, self.job, self.source, self.graph, error)
                self.job = wait_for_server(again, report.warn, self.connection.check)
                report.say(f"{error}: {name} is scored again")
                return self._once(report, output, until_sealed, late, max_rejects)

    def _once(
        self, report: Reporter, output: Path | None, until_sealed: bool, late: Late | None, max_rejects: Limit | None
    ) -> Progress:
        ledger, source = self.connection.ledger, self.source
        window = self.connection.settings.window
        enqueuer = Enqueuer(ledger, self.job, source, window) if source else None
        collector = Collector(ledger, self.job, output, source) if output else None
        budget = Budget(ledger, self.job, max_rejects, source) if max_rejects else None
        try:
            with bound(self.job.id):
                progress = follow(
                    self.connection, self.job, report,
                    enqueuer=enqueuer, collector=collector, until_sealed=until_sealed, late=late,
                    budget=budget,
                )  # fmt: skip
        finally:
            for part in (collector, enqueuer):
                if part:
                    part.close()
        if collector and collector.taken_from:
            report.say(f"scores are taken from {collector.taken_from}, where they are as they were written")
        if collector and collector.left_alone and progress.retried:
            names = ", ".join(each["model"][:12] for each in progress.retried)
            report.say(f"{output} is left as producer retry made it: rows in it are by the model {names}")
        return progress
