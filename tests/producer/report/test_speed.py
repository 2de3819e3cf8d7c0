"""Throughput and workers, from timelines made for it."""

from jobs.timeline import Finish, Work
from producer.report.speed import MOST_LINES, MOST_PROCESSES, measure


def finish(at: float, worker: str = "a:1", records: int = 100, seconds: float = 2.0) -> Finish:
    return Finish(at, 0, records - 1, 1, Work(worker, {"lease": seconds / 4, "score": seconds * 3 / 4}))


def test_a_batch_counts_over_the_time_it_took_and_none_is_lost() -> None:
    speed = measure([finish(12.0), finish(14.0), finish(13.0, worker="b:1", seconds=1.0)])
    assert speed is not None
    assert (speed.begin, speed.end, speed.width) == (10, 14, 0.1)
    assert [round(rate) for rate in speed.rates] == [50] * 20 + [150] * 10 + [50] * 10
    assert round(sum(rate * speed.width for rate in speed.rates)) == 300
    assert [(lane.worker, lane.records, lane.batches, lane.rate) for lane in speed.lanes] == [
        ("a:1", 200, 2, 50), ("b:1", 100, 1, 100),
    ]  # fmt: skip


def test_a_long_night_has_a_bounded_number_of_bins_and_many_processes_are_shown_by_host() -> None:
    timeline = [finish(1000 + 30.0 * n, worker=f"host-{n % 50}:{n % 400}") for n in range(1600)]
    speed = measure(timeline)
    assert speed is not None
    assert (speed.width, len(speed.rates)) == (900, 54)
    assert (speed.workers, speed.by_host, len(speed.lanes)) == (400, True, MOST_LINES)
    assert speed.lanes[-1].worker == "11 others"
    assert sum(lane.records for lane in speed.lanes) == 160_000
    assert sum(lane.processes for lane in speed.lanes) == 400
    few = measure(timeline[:MOST_PROCESSES])
    assert few is not None
    assert not few.by_host


def test_no_timeline_no_speed() -> None:
    assert measure([]) is None
