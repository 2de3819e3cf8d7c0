"""A format of somebody's own, in and out: its file and a line of registration are all that it takes."""

import os
from pathlib import Path

import pytest

import producer
from formats import registry
from tests.formats.toys import SUFFIX, BarsSink, BarsSource
from tests.support import ROOT
from tests.support.farm import Farm

MODEL = ROOT / "data" / "spam.pb"


@pytest.fixture
def registered(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SOURCES, SUFFIX, BarsSource)
    monkeypatch.setitem(registry.SINKS, SUFFIX, BarsSink())
    monkeypatch.setenv("REDIS_URL", farm.server.url)


@pytest.mark.usefixtures("registered")
def test_what_it_reads_and_writes_is_what_csv_reads_and_writes(tmp_path: Path) -> None:
    """Through enqueue, workers, collection, the proof, the report and a retry."""
    from producer.verify import verify

    texts = [f"WIN a free prize {n}" if n % 3 else f"see you at {n}" for n in range(2, 62)]
    (tmp_path / "m.csv").write_text("message_id,text\n" + "".join(f"m{n},{text}\n" for n, text in enumerate(texts)))
    bars = tmp_path / f"m{SUFFIX}"
    lines = [f"m{n}|{text}\n" for n, text in enumerate(texts)]
    bars.write_text("message_id|text\n" + "".join(lines) + "one|too|many\n")
    with producer.enqueue(tmp_path / "m.csv") as job:
        job.wait(tmp_path / "csv.csv")
        expected = job.scores()
    with producer.enqueue(bars) as job:
        receipt = job.wait(tmp_path / f"out{SUFFIX}")
        found, rejects = job.scores(), list(job.rejects())
    assert (receipt.state, receipt.scored, receipt.codes) == ("complete", 60, {"too_many_fields": 1})
    assert found.equals(expected)
    assert [(each.record, each.line, each.raw) for each in rejects] == [(61, 62, b"one|too|many")]
    content = (tmp_path / "csv.csv").read_text().replace(",", "|")
    assert (tmp_path / f"out{SUFFIX}").read_text() == content
    assert verify(tmp_path / f"out{SUFFIX}").right


@pytest.mark.usefixtures("registered")
def test_its_rejects_are_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_MAX_RECORD_BYTES", "100")
    bars, output = tmp_path / f"m{SUFFIX}", tmp_path / f"out{SUFFIX}"
    bars.write_text("text\nhello\n" + "long " * 40 + "\nbye\n")
    with producer.enqueue(bars) as job:
        assert job.wait(output).codes == {"record_too_large": 1}
        os.environ["NIGHTSHIFT_MAX_RECORD_BYTES"] = "1000"
    with producer.attach(job.id) as job:
        receipt = job.retry()
    assert (receipt.scored, receipt.rejected) == (3, 0)
    numbers = [line.split("|")[0] for line in output.read_text().splitlines()]
    assert numbers == ["record", "1", "2", "3"]
