"""What scoring a file would take: time and memory, from what a sample of it took here, or records of an earlier job."""

import os
import statistics
from dataclasses import dataclass

from formats.errors import NightshiftError
from formats.glance import Glance
from jobs.ledger import Ledger
from jobs.record import Job
from producer.lookahead.sampling import MicroBatch, Sampled
from producer.lookahead.trial import Trial

# By benchmarks/lookahead.py, which says how often the interval holds.
START_LOW, START_HIGH = 0.7, 1.45  # as parts of the time for start-up,
WORK_LOW, WORK_HIGH = 0.5, 2.5  # and of that for the records
LAUNCH_SECONDS = 1.0  # of the command and its server
CELERY = 1.6  # a worker's start, as a multiple of the trial's: it imports more, forks, and ends in order
PRODUCER_BYTES_A_SECOND = 200e6  # that a producer splits and copies
PRODUCER_MEMORY = 130 << 20  # bytes, with the embedded server
EARLIER_JOBS = 50  # that are looked through
EARLIER_BATCHES = 200  # of one
EARLIER_RECORDS = 1000  # at least, to tell anything


@dataclass(frozen=True, slots=True)
class Workers:
    """Those that are there. `rate`: seconds a byte of input that one of their processes took, of an earlier job."""

    processes: int
    ours: bool  # they would be started for it
    rate: float | None = None
    earlier: str = ""  # that job


@dataclass(frozen=True, slots=True)
class Cost:
    """`low` and `high`: seconds from the command to its scores file. None where there is no telling, and `why_not`."""

    low: float | None
    high: float | None
    memory: int | None  # bytes, of all processes on this machine
    why_not: str = ""
    measured: str = ""  # by what


def workers_there(ledger: Ledger | None, job: Job | None, wished: int) -> Workers:
    """By the server's word, or, without one, those that would be started. Raises what an unreachable server does."""
    if ledger is None:
        return Workers(wished or os.cpu_count() or 1, ours=True)
    presence = ledger.presence
    processes = presence.reaching(job.by_reference) if job and job.by_reference else presence.processes()
    rate, name = _earlier(ledger, job) if job else (None, "")
    return Workers(processes, False, rate, name)


def _earlier(ledger: Ledger, job: Job) -> tuple[float | None, str]:
    """What a byte of input cost in the last job with the same model, feeds and outputs."""
    for name in reversed(ledger.job_ids()[-EARLIER_JOBS:]):
        try:
            other, progress = ledger.job(name), ledger.progress(name)
            finishes = ledger.timeline(name, 0, EARLIER_BATCHES)
        except NightshiftError:
            continue
        alike = (other.model, other.feeds, other.constants, other.fetches)
        if alike != (job.model, job.feeds, job.constants, job.fetches) or not progress.cursor["offset"]:
            continue
        records = sum(each.scored + each.rejected for each in finishes)
        if records >= EARLIER_RECORDS:
            stages = ("read", "classify", "score", "encode")
            busy = sum(each.work.seconds.get(stage, 0.0) for each in finishes for stage in stages)
            return busy / records * progress.records / progress.cursor["offset"], name
    return None, ""


def cost_of(
    found: Glance, job: Job, workers: Workers, sampled: Sampled, tried: list[MicroBatch], trial: Trial | None
) -> Cost:
    """`trial` is of the micro-batches `tried`. A job with a limit costs what its records do, and the whole copy where
    there is one."""
    if not workers.processes:
        return Cost(None, None, None, "no workers are there")
    if found.whole and sampled.sample.is_whole and not sampled.sample.records:
        return Cost(LAUNCH_SECONDS * START_LOW, 3 * LAUNCH_SECONDS * START_HIGH, None)  # no worker is waited for
    size, measured = max(0, found.read_bytes - found.source.start.offset), ""
    if job.limit and sampled.densities:
        size = min(size, round(job.limit / max(statistics.fmean(sampled.densities), 1e-9)))
    reading = sampled.seconds / max(1, sampled.size)
    here = trial.seconds_a_byte([batch.size for batch in tried]) if trial else None
    if workers.rate is not None:
        rate, measured = workers.rate, workers.earlier
    elif here is not None:
        rate, measured = here + reading, "here"
    elif size and sampled.sample.records:
        return Cost(None, None, None, trial.why_not if trial else "it was not measured")
    else:
        rate = 0.0
    if workers.ours and (trial is None or trial.why_not):
        return Cost(None, None, None, trial.why_not if trial else "it was not measured")
    start = LAUNCH_SECONDS + sampled.seconds
    if trial:
        start += (CELERY * trial.ready if workers.ours else trial.opening) + trial.classify + trial.warm_up
    batches = -(-size // job.batch_bytes) or 1
    processes = min(workers.processes, batches)
    at_once = min(processes, os.cpu_count() or 1) if workers.ours else processes
    work = size * rate * -(-batches // at_once) / batches + size / PRODUCER_BYTES_A_SECOND
    if found.is_copied:
        unpacked = found.source.size / max(found.unpack_seconds, 1e-6)
        work += found.read_bytes / unpacked
    quiet, busy = _slowness(trial) if workers.ours and trial else (1.0, 1.0)
    low = quiet * (start * START_LOW + work * WORK_LOW)
    high = busy * (start * START_HIGH + work * WORK_HIGH)
    memory = None
    if workers.ours and trial:
        memory = PRODUCER_MEMORY + trial.imported + processes * (trial.memory - trial.imported)
    return Cost(low, high, memory, measured=measured)


def _slowness(trial: Trial) -> tuple[float, float]:
    """What becomes of its seconds where others keep this machine as busy as half-way between then and the last five
    minutes: factors of the better case, and of the worse, one of which is 1."""
    lately = (max(1.0, os.getloadavg()[1] / (os.cpu_count() or 1)) / trial.slowness) ** 0.5
    return min(1.0, lately), max(1.0, lately)
