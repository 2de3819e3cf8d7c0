"""The metric families, made from the ledger at each scrape.

Names and types follow https://prometheus.io/docs/practices/naming/ and .../instrumentation/: seconds and records,
`_total` for what only grows, times as timestamps, a state as one series a state. The label is `job_id`, since `job` is
Prometheus's own.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import get_args

import redis
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from formats.errors import NightshiftError
from jobs.errors import JobError
from jobs.identity import Worker
from jobs.ledger import Ledger
from jobs.presence import ALIVE_SECONDS
from jobs.progress import JobState, Progress
from jobs.queue import waiting
from jobs.record import Job
from producer.metrics.batches import Batches
from producer.outlook.forecast import Forecast
from producer.version import version

log = logging.getLogger(__name__)

MOST_JOBS = 200  # the newest ones, and all that run: a bound on the number of series
STATES: tuple[str, ...] = get_args(JobState)
PREFIX = "nightshift_"
COUNTERS: dict[str, tuple[str, Callable[[Progress], float]]] = {
    "read_records": ("Records that the producer read", lambda p: p.records),
    "scored_records": ("Records that workers scored", lambda p: p.scored),
    "enqueued_batches": ("Batches that were enqueued", lambda p: p.batches),
    "done_batches": ("Batches of which the result is written", lambda p: p.done),
    "attempts": ("Times a batch was given to a worker", lambda p: p.attempts),
    "redelivered": ("Messages that found nothing to do", lambda p: p.redelivered),
    "duplicates": ("Results that came second and were dropped", lambda p: p.duplicates),
    "leases_lost": ("Leases that ran out: their worker was silent", lambda p: p.leases_lost),
    "resent_batches": ("Batches whose message was lost and sent again", lambda p: p.resent),
}
MOMENTS: dict[str, tuple[str, Callable[[Progress], float | None]]] = {
    "created": ("When the job was submitted", lambda p: p.created),
    "started": ("When its first batch went to a worker", lambda p: p.started),
    "finished": ("When it ended, well or not", lambda p: p.finished),
    "deadline": ("By when it is wanted", lambda p: p.deadline),
}


class LedgerCollector(Collector):
    """`connect` gives a ledger or raises NightshiftError or RedisError: the server may be away at any scrape."""

    def __init__(self, connect: Callable[[], Ledger]) -> None:
        self._connect = connect
        self._batches: Batches | None = None
        self._lock = threading.Lock()  # two scrapes may come at once
        self._away = False

    def describe(self) -> list[Metric]:
        """None: registering must not need the server."""
        return []

    def collect(self) -> Iterator[Metric]:
        began = time.monotonic()
        with self._lock:
            families = self._families()
        yield from families
        yield GaugeMetricFamily(
            f"{PREFIX}scrape_duration_seconds", "How long reading the ledger took", time.monotonic() - began
        )

    def _families(self) -> list[Metric]:
        up = GaugeMetricFamily(f"{PREFIX}up", "1 if the Redis or Valkey server answers, else 0")
        build = InfoMetricFamily(f"{PREFIX}build", "Nightshift's version")
        build.add_metric([], {"version": version() or "unknown"})
        try:
            if self._batches is None:
                self._batches = Batches(self._connect())
            families = self._read(self._batches)
            self._away = False
            up.add_metric([], 1)
        except (redis.RedisError, NightshiftError, OSError) as error:
            if not self._away:
                log.warning("the server is away: %s", error)
            self._away = True
            up.add_metric([], 0)
            families = []
        return [up, build, *families]

    def _read(self, batches: Batches) -> list[Metric]:
        ledger = batches.ledger
        seconds, microseconds = ledger.redis.time()
        now = seconds + microseconds / 1e6
        jobs = _jobs(ledger)
        # The running ones first: their rate is wanted now.
        ordered = sorted(jobs, key=lambda each: each[1].state != "running")
        batches.update([(job.id, counts.created) for job, counts in ordered], now)
        return [*_fleet(ledger, jobs, now), *_job_families(jobs, batches, now), _stages(batches)]


def _jobs(ledger: Ledger) -> list[tuple[Job, Progress]]:
    """The newest MOST_JOBS, and whatever older ones still run."""
    ids, active = ledger.job_ids(), {life.id for life in ledger.active()}
    wanted = [job_id for job_id in ids[:-MOST_JOBS] if job_id in active] + ids[-MOST_JOBS:]
    found = []
    for job_id in wanted:
        try:
            found.append((ledger.job(job_id), ledger.progress(job_id)))
        except JobError:
            continue  # forgotten meanwhile
    return found


def _fleet(ledger: Ledger, jobs: list[tuple[Job, Progress]], now: float) -> Iterator[Metric]:
    alive = [worker for worker, ago in ledger.presence.workers().items() if ago <= ALIVE_SECONDS]
    yield GaugeMetricFamily(
        f"{PREFIX}queue_depth", "Messages that no worker has taken yet, each a batch", waiting(ledger.redis)
    )
    since = [moment for life in ledger.active() if (moment := ledger.waiting_since(life))]
    age = max(0, now - min(since, default=now))
    yield GaugeMetricFamily(f"{PREFIX}queue_age_seconds", "How long the message waits that waits longest", age)
    yield GaugeMetricFamily(f"{PREFIX}workers", "Workers that make progress", len(alive))
    yield GaugeMetricFamily(
        f"{PREFIX}worker_processes",
        "Processes of the workers that make progress",
        sum(Worker.parse(worker).processes for worker in alive),
    )
    states = GaugeMetricFamily(f"{PREFIX}jobs", "Jobs in the ledger by state", labels=["state"])
    for state in STATES:
        states.add_metric([state], sum(counts.state == state for _, counts in jobs))
    yield states


def _job_families(jobs: list[tuple[Job, Progress]], batches: Batches, now: float) -> Iterator[Metric]:
    info = InfoMetricFamily(f"{PREFIX}job", "A job's input and model (sha256)", labels=["job_id"])
    state = GaugeMetricFamily(f"{PREFIX}job_state", "1 for the state that the job is in", labels=["job_id", "state"])
    for job, counts in jobs:
        info.add_metric([job.id], {"input": job.input, "model": job.model, "model_name": job.model_name})
        for each in STATES:
            state.add_metric([job.id, each], counts.state == each)
    yield from (info, state)
    for name, (text, number) in COUNTERS.items():
        counter = CounterMetricFamily(f"{PREFIX}job_{name}", text, labels=["job_id"])
        for job, counts in jobs:
            counter.add_metric([job.id], number(counts))
        yield counter
    rejected = GaugeMetricFamily(  # no counter: `producer retry` makes them fewer
        f"{PREFIX}job_rejected_records", "Records that were rejected, by reason", labels=["job_id", "code"]
    )
    for job, counts in jobs:
        for code, count in counts.codes.items():
            rejected.add_metric([job.id, code], count)
    yield rejected
    for name, (text, moment) in MOMENTS.items():
        family = _gauge(f"job_{name}_timestamp_seconds", f"{text}, by the server's clock")
        for job, counts in jobs:
            at = moment(counts)
            if at is not None:
                family.add_metric([job.id], at)
        yield family
    yield from _outlook(jobs, batches, now)


def _outlook(jobs: list[tuple[Job, Progress]], batches: Batches, now: float) -> Iterator[Metric]:
    """How much there is to do, and when that will be done."""
    outstanding = _gauge("job_outstanding_batches", "Enqueued batches of a running job that are not done")
    expected = _gauge("job_expected_records", "Records of the whole input: by its bytes, until it is read to its end")
    finish = _gauge(
        "job_forecast_timestamp_seconds",
        "When a running job will be finished at its rate of the last five minutes; absent without progress",
    )
    for job, counts in jobs:
        running = counts.state == "running"
        forecast = Forecast(job)
        forecast.update(counts)
        outstanding.add_metric([job.id], counts.outstanding if running else 0)
        expected.add_metric([job.id], forecast.total)
        rate = batches.rate((job.id, counts.created), counts.started, now) if running else 0.0
        if rate:
            finish.add_metric([job.id], now + max(0, forecast.total - forecast.answered) / rate)
    yield from (outstanding, expected, finish)


def _stages(batches: Batches) -> Metric:
    family = HistogramMetricFamily(
        f"{PREFIX}batch_seconds", "What a batch took in its worker, by stage", labels=["stage"]
    )
    for stage, seconds in batches.stages.items():
        family.add_metric([stage], seconds.buckets(), seconds.total)
    return family


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=["job_id"])
