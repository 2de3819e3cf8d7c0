"""How many rejects a job may have, looked at while it runs: a hopeless one is stopped early.

A number is exceeded as soon as more are rejected. A percentage is one of all records, whose number is known when the
input is read to its end. Before that the rest of the input is taken for SHORT_BYTES a record, or for two thirds of the
mean so far, whichever makes more records of it: only what is far too much stops a job by then.
"""

from formats.source import Source
from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.record import Job
from producer.outputs.first_rejects import first_rejects
from producer.outputs.receipt import Limit, written
from producer.pipeline.collect import Collector

SHORT_BYTES = 16  # a record, with its line end, of an input that is not read to its end
FEWEST = 100  # rejects, before a percentage of what is not read to its end says anything
SHOWN = 10  # rejects, of a job that is stopped
REASONS = 3  # named, the most frequent


class Budget:
    """Of one job. `source` is its input, if that is at hand."""

    def __init__(self, ledger: Ledger, job: Job, limit: Limit, source: Source | None) -> None:
        self._ledger, self._job, self._limit, self._source = ledger, job, limit, source

    def stop_if_exceeded(self, progress: Progress, collector: Collector | None) -> bool:
        """Whether the job has too many rejects, and ends here, unless it ended at this moment. `collector` has the
        batches that are on the server no more."""
        if progress.state != "running" or not self._is_exceeded(progress):
            return False
        found = collector.first_rejects(SHOWN) if collector else []
        first = max(progress.collected, collector.collected) if collector else progress.collected
        batches = range(first, progress.batches)
        found += first_rejects(self._ledger, self._job, self._source, batches, SHOWN - len(found))
        self._ledger.stop(self._job.life, self._reason(progress), found)
        return True

    def _is_exceeded(self, progress: Progress) -> bool:
        number, percent = self._limit
        if not percent:
            return progress.rejected > number
        if progress.sealed:
            return progress.rejected > progress.records * number / 100
        return progress.rejected >= FEWEST and progress.rejected > _most_records(self._job, progress) * number / 100

    def _reason(self, progress: Progress) -> str:
        of = "its" if progress.sealed else "the first"
        codes = sorted(progress.codes.items(), key=lambda item: -item[1])
        reasons = ", ".join(f"{count:,} {code}" for code, count in codes[:REASONS]) + (", ..." * (len(codes) > REASONS))
        return (
            f"{progress.rejected:,} rejects so far among {of} {progress.records:,} records ({reasons}), more than the "
            f"{written(self._limit)} allowed; nothing is published: mend the file, or raise --max-rejects"
        )


def _most_records(job: Job, progress: Progress) -> float:
    """In the whole input, by what is read of it: as many as there may be, as good as certainly."""
    offset = progress.cursor["offset"]
    if not offset:
        return float("inf")
    shortest = min(SHORT_BYTES, offset / progress.records * 2 / 3)
    most = progress.records + max(0, job.read_bytes - offset) / shortest
    return min(most, job.limit) if job.limit else most
