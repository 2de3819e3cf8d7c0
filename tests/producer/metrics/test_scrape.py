"""What a scrape says is what the ledger says; and the endpoint outlives the server."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.producer.metrics.scraped import Night, messages, samples
from tests.support import until
from tests.support.farm import Farm

STATES = ("running", "complete", "failed", "cancelled", "stopped")


def check(job: str, report: dict[str, Any], exposition: str) -> None:
    """That a scrape says the same as the job's report."""
    found, receipt = samples(exposition), report["receipt"]

    def value(name: str, **labels: str) -> float:
        return found[f"nightshift_job_{name}", tuple(sorted({"job_id": job, **labels}.items()))]

    assert found["nightshift_up", ()] == 1
    assert value("read_records_total") == receipt["records"] == 5007
    assert value("scored_records_total") == receipt["scored"] == 5000
    assert value("rejected_records", code="too_few_fields") == 7
    assert value("attempts_total") == receipt["attempts"]
    assert value("done_batches_total") == receipt["batches"]
    assert value("info", input=receipt["input"], model=receipt["model"], model_name="spam.pb") == 1
    took = value("finished_timestamp_seconds") - value("created_timestamp_seconds")
    assert took == pytest.approx(receipt["seconds"], abs=0.01)


def seconds(report: dict[str, Any], stage: str) -> float:
    return sum(worker["seconds"].get(stage, 0) for worker in report["speed"]["workers"])


def test_the_figures_of_the_night_are_those_of_the_report(night: Night) -> None:
    check(night.complete, night.report, night.exposition)
    # And one batch of the running job.
    assert night.value("nightshift_batch_seconds_count", stage="score") == night.report["receipt"]["batches"] + 1
    total = night.value("nightshift_batch_seconds_sum", stage="score")
    assert total == pytest.approx(seconds(night.report, "score") + 0.5)


@pytest.mark.slow
def test_the_same_of_a_job_that_workers_scored(bare_farm: Farm, tmp_path: Path) -> None:
    bare_farm.start_worker("worker", concurrency=2).ready()
    path = messages(tmp_path / "night.csv", 5000, broken=7)
    run = bare_farm.producer("enqueue", path, "--wait", "--json", "--batch-bytes", 20_000)
    job = json.loads(run.out)["job"]
    report = json.loads(bare_farm.producer("report", job, "--json").out)
    exposition = bare_farm.producer("metrics", "--once").out
    check(job, report, exposition)
    found = samples(exposition)
    assert (found["nightshift_workers", ()], found["nightshift_worker_processes", ()]) == (1, 2)
    for stage in ("lease", "session", "score", "encode"):
        total = found["nightshift_batch_seconds_sum", (("stage", stage),)]
        assert total > 0
        assert total == pytest.approx(seconds(report, stage), abs=0.01)


def test_each_job_is_in_one_state(night: Night) -> None:
    for job, state in ((night.complete, "complete"), (night.failed, "failed"), (night.running, "running")):
        found = {each: night.value("nightshift_job_state", job_id=job, state=each) for each in STATES}
        assert found == {each: float(each == state) for each in STATES}
        assert night.value("nightshift_jobs", state=state) == 1


def test_a_running_job_has_an_outlook_and_one_that_ended_has_none(night: Night) -> None:
    outstanding = night.value("nightshift_job_outstanding_batches", job_id=night.running)
    assert outstanding == night.value("nightshift_job_enqueued_batches_total", job_id=night.running) - 1 > 0
    assert night.value("nightshift_job_expected_records", job_id=night.running) == 5000
    created = night.value("nightshift_job_created_timestamp_seconds", job_id=night.running)
    assert night.value("nightshift_job_forecast_timestamp_seconds", job_id=night.running) > created
    assert night.value("nightshift_job_deadline_timestamp_seconds", job_id=night.running) == 1.7e9
    assert night.value("nightshift_job_outstanding_batches", job_id=night.failed) == 0
    found = samples(night.exposition)
    assert ("nightshift_job_forecast_timestamp_seconds", (("job_id", night.complete),)) not in found
    assert night.value("nightshift_queue_depth") > 0
    assert 0 < night.value("nightshift_queue_age_seconds") < 3600
    assert (night.value("nightshift_workers"), night.value("nightshift_worker_processes")) == (0, 0)


def test_no_label_is_called_as_prometheus_calls_its_own(night: Night) -> None:
    assert not {name for _, labels in samples(night.exposition) for name, _ in labels} & {"job", "instance"}


def test_the_endpoint_stays_up_when_the_server_goes_and_comes_back(bare_farm: Farm) -> None:
    exporter = bare_farm.popen("metrics", "--listen", "127.0.0.1:0")
    try:
        assert exporter.stderr
        match = re.search(r"http://\S+", exporter.stderr.readline())
        assert match

        def up() -> float:
            with urllib.request.urlopen(match[0], timeout=20) as answer:  # noqa: S310 -- our own
                assert answer.headers["Content-Type"].startswith("text/plain")
                return samples(answer.read().decode())["nightshift_up", ()]

        assert up() == 1
        bare_farm.server.kill()
        assert up() == 0
        assert up() == 0
        bare_farm.server.start()
        until(lambda: up() == 1, 10)
        exporter.terminate()
        assert exporter.wait(10) == 0
        assert exporter.stderr.read().count("the server is away") == 1
    finally:
        exporter.kill()
        exporter.communicate()


@pytest.mark.parametrize("listen", ["9464", "localhost:", "localhost:http", "localhost:99999"])
def test_an_address_that_is_none_is_a_usage_error(listen: str) -> None:
    from click.testing import CliRunner

    from producer.cli.metrics import metrics

    run = CliRunner().invoke(metrics, ["--listen", listen])
    assert run.exit_code == 2
    assert "is no HOST:PORT" in run.output
