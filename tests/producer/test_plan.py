"""How a file becomes a job: what is decided before anything is read beyond the header."""

from pathlib import Path

import pytest

from jobs.places import name_of
from jobs.settings import Settings
from producer.pipeline.plan import fit_batches, make_plan

REDIS_URL = "redis://elsewhere"


@pytest.mark.parametrize(
    ("megabytes", "by_reference", "wanted"),
    [(1, True, 256 << 10), (64, True, 2 << 20), (5_000, True, 8 << 20), (5_000, False, 2 << 20)],
)
def test_a_small_file_occupies_many_processes_and_a_large_one_takes_few_batches(
    megabytes: int, by_reference: bool, wanted: int
) -> None:
    assert fit_batches(megabytes << 20, by_reference) == wanted


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (Settings(), "spool"),
        (Settings(redis_url=REDIS_URL), ""),
        (Settings(redis_url=REDIS_URL, spool=Path("/spool")), "spool"),
        (Settings(redis_url=REDIS_URL, data=(Path("/elsewhere"), Path("/"))), name_of(Path("/"))),
        (Settings(redis_url=REDIS_URL, data=(Path("/elsewhere"),)), ""),
    ],
)
def test_workers_read_for_themselves_where_they_can(tmp_path: Path, settings: Settings, place: str) -> None:
    """On one machine, or below a root that they were told of."""
    (tmp_path / "m.csv").write_text("message_id,text\n1,hello\n")
    plan = make_plan(tmp_path / "m.csv", settings)
    plan.source.close()
    assert plan.job.by_reference == place


def test_who_names_a_batch_size_gets_it(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("message_id,text\n1,hello\n")
    for given, wanted in ((None, 70_000), (80_000, 80_000)):
        plan = make_plan(tmp_path / "m.csv", Settings(batch_bytes=70_000), batch_bytes=given)
        plan.source.close()
        assert plan.job.batch_bytes == wanted
