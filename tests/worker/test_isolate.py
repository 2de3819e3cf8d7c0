"""A batch that kills its process is searched for the records that do it, in processes that may die."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from graphs.feeds import Feed, Fetch
from jobs.batch import Result, decode_payload, encode_payload
from jobs.record import Job
from jobs.slices import micro_batches
from model.errors import ModelError
from model.graph.row_class import RowClass
from tests.support import ROOT, until
from tests.support.poison import POISON, freeze
from tests.support.poison import aborts as _aborts
from tests.support.poison import divides as _divides
from tests.support.poison import hangs as _hangs
from worker.isolation.assignment import Assignment, piece_seconds
from worker.isolation.fatal_search import HOPELESS, HOPELESS_HUNG
from worker.isolation.isolation import Isolation, Unwanted
from worker.models import open_model
from worker.score import TELLING, score


@pytest.fixture(scope="module")
def isolation() -> Iterator[Isolation]:
    isolation = Isolation()
    yield isolation
    isolation.close()


@pytest.fixture(scope="module")
def aborting(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return freeze(tmp_path_factory.mktemp("poison") / "aborts.pb", _aborts).read_bytes()


def job_of(model: bytes) -> Job:
    feeds = (Feed("x", ("x",), "int32", (-1,)),)
    return Job("input.csv", 1, 1, hashlib.sha256(model).hexdigest(), feeds, (Fetch("score", "score"),), None, (), 1)


def payload_of(rows: int, poisonous: list[int], wrong: int = -1) -> bytes:
    values = [POISON if row in poisonous else row + 1000 for row in range(rows)]
    cells = [b"abc" if row == wrong else str(value).encode() for row, value in enumerate(values)]
    records = pa.record_batch([pa.array(cells, pa.binary())], names=["x"])
    return bytes(encode_payload(records.schema, list(micro_batches(records)), 1, records.num_rows))


def isolate(
    isolation: Isolation, model: bytes, rows: int, poisonous: list[int], seconds: float = 600
) -> tuple[Result, int]:
    result, deaths = isolation.score(Assignment(job_of(model), model, payload_of(rows, poisonous), 1, seconds))
    assert [reject.row for reject in result.rejects] == poisonous
    assert result.columns["score"].to_pylist() == [2.0 * (row + 1000) for row in range(rows) if row not in poisonous]
    return result, deaths


def test_innocent_records_get_the_same_bytes_as_without(isolation: Isolation, aborting: bytes) -> None:
    job, payload = job_of(aborting), payload_of(5_000, [], wrong=4_321)
    result, deaths = isolation.score(Assignment(job, aborting, payload, 1, 600))
    session = open_model(job.model, aborting, 1).model
    assert bytes(result.encode()) == bytes(score(session, job, list(decode_payload(payload))).encode())
    assert (result.rejects[0].row, result.rejects[0].code, deaths) == (4_321, "bad_value", 0)


def test_reasons_are_those_that_a_worker_finds(isolation: Isolation) -> None:
    """A batch is isolated because something else killed its process: its file is to be the same."""
    model = (ROOT / "data" / "spam.pb").read_bytes()
    texts = [f"WIN a FREE prize {n}, claim \xa3{n}".encode("latin-1" if n % 2 else "utf-8") for n in range(1500)]
    records = pa.record_batch([pa.array(texts, pa.binary())], names=["text"])
    payload = bytes(encode_payload(records.schema, list(micro_batches(records)), 1, records.num_rows))
    feeds, fetches = (Feed("text", ("text",), "string", (-1,)),), (Fetch("score", "score"),)
    digest = hashlib.sha256(model).hexdigest()
    job = Job("input.csv", 1, 1, digest, feeds, fetches, None, (), 1, explain=2, explain_from=0.9)
    result, deaths = isolation.score(Assignment(job, model, payload, 1, 600))
    expected = score(open_model(digest, model, 1).model, job, list(decode_payload(payload)))
    assert (bytes(result.encode()), deaths) == (bytes(expected.encode()), 0)
    assert sum(1 for cell in result.columns["reasons"].to_pylist() if cell) > 100


@pytest.mark.parametrize("row", [0, 700, 1023])
def test_one_record_among_1024_is_found_by_three_deaths(isolation: Isolation, aborting: bytes, row: int) -> None:
    result, deaths = isolate(isolation, aborting, 1024, [row])
    assert deaths == 3
    assert (result.rejects[0].code, result.rejects[0].detail) == ("model_crash", "the process was killed by SIGABRT")


@pytest.mark.slow
def test_records_in_several_micro_batches(isolation: Isolation, aborting: bytes) -> None:
    assert isolate(isolation, aborting, 20_000, [0, 9_999, 19_998, 19_999])[1] == 10


@pytest.mark.slow
def test_a_record_that_hangs_costs_three_time_limits(isolation: Isolation, tmp_path: Path) -> None:
    model = freeze(tmp_path / "hangs.pb", _hangs).read_bytes()
    begun = time.monotonic()
    result, deaths = isolate(isolation, model, 1000, [500], seconds=0.5)
    assert deaths == 3
    assert (result.rejects[0].code, result.rejects[0].detail) == ("model_timeout", "not scored within 0.5 s")
    assert time.monotonic() - begun > 1.5


def test_a_model_that_hangs_on_all_is_given_up_soon(isolation: Isolation, tmp_path: Path) -> None:
    """After a batch's time limit and some tries, not after one for each record."""
    model = freeze(tmp_path / "hangs.pb", _hangs).read_bytes()
    with pytest.raises(ModelError, match=f"no record, in {HOPELESS_HUNG} tries: not scored within 0.1 s"):
        isolate(isolation, model, 500, list(range(500)), seconds=0.1)


@pytest.mark.slow
def test_a_model_that_hangs_on_every_other_record_is_not_given_up(isolation: Isolation, tmp_path: Path) -> None:
    """All that is larger than a record hangs, more often than a hopeless model may."""
    model = freeze(tmp_path / "hangs.pb", _hangs).read_bytes()
    isolate(isolation, model, 40, list(range(1, 40, 2)), seconds=0.5)


def test_time_limits() -> None:
    assert piece_seconds(600, 1.0) == 600
    assert piece_seconds(600, 0.1) == 60
    assert piece_seconds(600, 0.001) == 30
    assert piece_seconds(60, 0.001) == 15
    assert piece_seconds(2, 0.001) == 2


@pytest.mark.slow
def test_a_model_is_given_up_after_so_many_deaths(isolation: Isolation, aborting: bytes) -> None:
    with pytest.raises(ModelError, match=f"no record, in {HOPELESS} tries: the process was killed by SIGABRT"):
        isolate(isolation, aborting, 200, list(range(200)))


def _aborts_and_mixes(x: Any) -> Any:
    return 0.0 * tf.cast(_aborts(x)[:1], tf.float32) + tf.reduce_mean(tf.cast(x, tf.float32))


def test_a_micro_batch_that_kills_is_rejected_whole_where_rows_mix(isolation: Isolation, tmp_path: Path) -> None:
    """What it takes to know that they mix is found on the parts that don't kill; none of them is scored apart."""
    path = tmp_path / "mixes.pb"
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.int32, [None], name="x")
        tf.add(2.0 * tf.cast(x, tf.float32), _aborts_and_mixes(x), name="score")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    model, noted = path.read_bytes(), []
    payload = payload_of(2_000, [17], wrong=30)

    def note(found: RowClass) -> RowClass:
        noted.append(found)
        return found

    result, deaths = isolation.score(Assignment(job_of(model), model, payload, 1, 600), note=note)
    assert noted == ["mixing"]
    assert deaths <= 2
    assert [reject.row for reject in result.rejects] == list(range(1_000)), "the first micro-batch; not the second"
    assert {reject.code for reject in result.rejects} == {"model_crash", "bad_value"}
    assert result.rejects[30].code == "bad_value", "a reason of its own"
    assert "killed by SIGABRT (of the 999 records scored together, which one" in result.rejects[17].detail
    session = open_model(job_of(model).model, model, 1).model
    alone = score(session, job_of(model), list(decode_payload(payload_of(2_000, []))), row_class="mixing")
    assert result.columns["score"].to_pylist() == alone.columns["score"].to_pylist()[1_000:]


def test_what_another_worker_noted_holds(isolation: Isolation, aborting: bytes) -> None:
    assignment = Assignment(job_of(aborting), aborting, payload_of(600, [599]), 1, 600)
    result, deaths = isolation.score(assignment, note=lambda _: "mixing")
    assert (deaths, len(result.rejects), result.scored) == (1, 600, 0)
    result, deaths = isolation.score(assignment._replace(row_class="rounding"), note=lambda _: "mixing")
    assert (deaths, len(result.rejects), result.scored) == (3, 1, 599)


def test_a_model_that_can_score_nothing_is_to_blame(isolation: Isolation, tmp_path: Path) -> None:
    model = freeze(tmp_path / "poison.pb", _divides).read_bytes()
    with pytest.raises(ModelError, match=r"can score no record: .*division by zero"):
        isolate(isolation, model, TELLING, list(range(TELLING)))


def test_a_batch_of_few_records_blames_nobody(isolation: Isolation, tmp_path: Path) -> None:
    """A file's last batch may have two, both poisonous: they must not cost the other million."""
    for poison, code in ((_aborts, "model_crash"), (_divides, "model_error")):
        model = freeze(tmp_path / "poison.pb", poison).read_bytes()
        for rows in (1, 2):
            result, _ = isolation.score(Assignment(job_of(model), model, payload_of(rows, list(range(rows))), 1, 600))
            assert (result.scored, [reject.code for reject in result.rejects]) == (0, [code] * rows)


def test_isolating_stops_when_nobody_wants_the_result_any_more(isolation: Isolation, aborting: bytes) -> None:
    answers = iter([True, False])
    with pytest.raises(Unwanted):
        isolation.score(Assignment(job_of(aborting), aborting, payload_of(3_000, [1]), 1, 600), lambda: next(answers))


@pytest.mark.slow
def test_what_is_wrong_with_the_model_is_said_as_without(isolation: Isolation, aborting: bytes) -> None:
    with pytest.raises(ModelError, match="is not on the server"):
        isolation.score(Assignment(job_of(aborting), None, payload_of(1, []), 1, 600))
    with pytest.raises(ModelError, match="digest differs"):
        isolation.score(Assignment(job_of(aborting), b"other", payload_of(1, []), 1, 600))


@pytest.mark.slow
def test_it_begins_anew_when_it_was_killed(isolation: Isolation, aborting: bytes) -> None:
    isolate(isolation, aborting, 10, [3])
    assert isolation._process
    isolation._process.kill()
    isolation._process.wait()
    isolate(isolation, aborting, 10, [3])


@pytest.mark.slow
def test_nothing_of_it_outlives_its_asker(tmp_path: Path) -> None:
    """The asker is killed while its trial process hangs: neither of the two processes stays."""
    model = freeze(tmp_path / "hangs.pb", _hangs)
    asker = (
        "import sys, pathlib; from tests.worker.test_isolate import *; "
        "isolate(Isolation(), pathlib.Path(sys.argv[1]).read_bytes(), 10, [3])"
    )
    process = subprocess.Popen([sys.executable, "-c", asker, str(model)], cwd=ROOT, process_group=0)

    def members() -> int:
        """Processes of the group, but for zombies."""
        listing = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
        lines = [line.split() for line in listing.splitlines()]
        return sum(int(group) == process.pid and not state.startswith("Z") for group, state in lines)

    try:
        until(lambda: members() == 3, 60)
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        until(lambda: members() == 0, 10)
    finally:
        process.kill()
