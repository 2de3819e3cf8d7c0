"""How fast the night went: throughput over time, and what each worker did, from the job's timeline."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from jobs.identity import Process
from jobs.timeline import Finish

# Seconds a bin of the plot may be wide: people think in these.
WIDTHS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
MOST_BINS = 72
MOST_PROCESSES = 16  # more are shown by host
MOST_LINES = 40


@dataclass(slots=True)
class Lane:
    """A worker process (host:pid), or all of a host, and what it did."""

    worker: str
    processes: int = 1
    batches: int = 0
    records: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # by stage

    @property
    def busy(self) -> float:
        return sum(self.seconds.values())

    @property
    def rate(self) -> float:
        """Records a second of its work; 0 if that took no time."""
        return self.records / self.busy if self.busy else 0.0


@dataclass(frozen=True, slots=True)
class Speed:
    """`rates[i]` is in records a second from `begin` + i * `width` on; `begin` is seconds since the epoch."""

    begin: float
    end: float
    width: float
    rates: list[float]
    lanes: list[Lane]
    stages: list[str]
    workers: int  # processes in all
    by_host: bool


def measure(timeline: Sequence[Finish]) -> Speed | None:
    """None without entries. A batch's records count evenly over the time that its worker took for them: what is
    plotted is work, not the moments at which batches happen to end."""
    if not timeline:
        return None
    ends = np.array([finish.at for finish in timeline])
    took = np.array([max(sum(finish.work.seconds.values()), 1e-3) for finish in timeline])
    records = np.array([finish.scored + finish.rejected for finish in timeline], np.float64)
    begin, end = float((ends - took).min()), float(ends.max())
    width = next((width for width in WIDTHS if (end - begin) / width <= MOST_BINS), (end - begin) / MOST_BINS)
    bins = max(1, int(np.ceil((end - begin) / width)))
    done = [
        float((records * np.clip((begin + width * edge - (ends - took)) / took, 0, 1)).sum())
        for edge in range(bins + 1)
    ]
    # The last bin is as wide as the job is long.
    widths = [*[width] * (bins - 1), max(end - begin - width * (bins - 1), 1e-3)]
    rates = [(after - before) / each for before, after, each in zip(done, done[1:], widths, strict=False)]
    lanes = _lanes(timeline, lambda worker: worker)
    processes = len(lanes)
    by_host = processes > MOST_PROCESSES
    if by_host:
        count: dict[str, int] = {}
        for lane in lanes:
            host = _host(lane.worker)
            count[host] = count.get(host, 0) + 1
        lanes = _lanes(timeline, _host)
        for lane in lanes:
            lane.processes = count[lane.worker]
    stages = list(dict.fromkeys(stage for lane in lanes for stage in lane.seconds))
    order = [stage for stage in ("lease", "session", "score", "encode") if stage in stages]
    stages = order + [stage for stage in stages if stage not in order]
    return Speed(begin, end, width, rates, _longest(lanes), stages, processes, by_host)


def _lanes(timeline: Iterable[Finish], key: Callable[[str], str]) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    for finish in timeline:
        name = key(finish.work.worker)
        lane = lanes.setdefault(name, Lane(name))
        lane.batches += 1
        lane.records += finish.scored + finish.rejected
        for stage, seconds in finish.work.seconds.items():
            lane.seconds[stage] = lane.seconds.get(stage, 0.0) + seconds
    return sorted(lanes.values(), key=lambda lane: (-lane.records, lane.worker))


def _longest(lanes: list[Lane]) -> list[Lane]:
    """Those that did most; the others in one line."""
    if len(lanes) <= MOST_LINES:
        return lanes
    rest = Lane(f"{len(lanes) - MOST_LINES + 1} others", sum(lane.processes for lane in lanes[MOST_LINES - 1 :]))
    for lane in lanes[MOST_LINES - 1 :]:
        rest.batches += lane.batches
        rest.records += lane.records
        for stage, seconds in lane.seconds.items():
            rest.seconds[stage] = rest.seconds.get(stage, 0.0) + seconds
    return [*lanes[: MOST_LINES - 1], rest]


def _host(worker: str) -> str:
    return Process.parse(worker).host
