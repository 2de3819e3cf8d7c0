"""How a file becomes a job: what is decided before anything is read beyond the header."""

from pathlib import Path

import pytest

from jobs.settings import Settings
from producer.pipeline.plan import fit_batches, make_plan

REDIS_URL = "redis://elsewhere"


@pytest.mark.parametrize(
    ("megabytes", "settings", "wanted"),
    [
        (1, Settings(), 256 << 10),
        (64, Settings(), 2 << 20),
        (5_000, Settings(), 4 << 20),
        (5_000, Settings(redis_url=REDIS_URL), 2 << 20),
        (5_000, Settings(redis_url=REDIS_URL, spool=Path("/spool")), 4 << 20),
    ],
)
def test_a_small_file_occupies_many_processes_and_a_large_one_takes_few_batches(
    megabytes: int, settings: Settings, wanted: int
) -> None:
    assert fit_batches(megabytes << 20, settings) == wanted


def test_who_names_a_batch_size_gets_it(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("message_id,text\n1,hello\n")
    for given, wanted in ((None, 70_000), (80_000, 80_000)):
        plan = make_plan(tmp_path / "m.csv", Settings(batch_bytes=70_000), batch_bytes=given)
        plan.source.close()
        assert plan.job.batch_bytes == wanted
