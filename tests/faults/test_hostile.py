"""Models of strangers on a worker that others use too: each costs its own job and nobody else's."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.processes import children
from tests.support import ROOT, until
from tests.support.farm import Farm, end_farm, make_farm
from tests.support.poison import POISON, freeze, hangs, if_poisonous
from tests.support.tables import read

SECONDS = 120.0  # that a hostile job may take here, all tries included
SPAM = (ROOT / "data" / "spam.pb").read_bytes()


def takes_memory(x: Any) -> Any:
    """Eight gigabytes, for the poison."""
    import tensorflow as tf

    return tf.reduce_sum(tf.fill([tf.reduce_max(if_poisonous(x, 1 << 31, 1))], 1.0))


def takes_memory_in_a_loop(x: Any) -> Any:
    """Twice as much each time round."""
    import tensorflow as tf

    most = tf.reduce_max(if_poisonous(x, 1 << 31, 1))
    return tf.while_loop(
        lambda values: tf.size(values, tf.int64) < most,
        lambda values: tf.concat([values, values], 0),
        [tf.ones([1])],
        shape_invariants=[tf.TensorShape([None])],
    )[0]


PATIENT, STRICT = "120", "1"  # seconds for a batch; TensorFlow waits ten for memory before it says that there is none
BOMBS = {  # on such a worker, and what their record is rejected as
    "memory": (PATIENT, takes_memory, "model_error"),
    "memory in a loop": (PATIENT, takes_memory_in_a_loop, "model_error"),
    "time": (STRICT, hangs, "model_timeout"),
}


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest) -> Iterator[Farm]:
    farm = make_farm()
    limits = {"NIGHTSHIFT_BATCH_SECONDS": request.param, "NIGHTSHIFT_MEMORY_BYTES": str(2 << 30)}
    farm.start_worker("worker", concurrency=2, **limits).ready()
    yield farm
    end_farm(farm)


@pytest.fixture(scope="module")
def innocent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("innocent") / "in.csv"
    path.write_text("id,text\n" + "".join(f"{number},win {number % 97} now\n" for number in range(20_000)))
    return path


def scores(farm: Farm, innocent: Path) -> bytes:
    """Of somebody else's job, from the beginning."""
    run = farm.producer("enqueue", innocent, "--again", "--wait", "--quiet")
    assert run.code == 0, run.err
    return innocent.with_name("in.scores.csv").read_bytes()


def check_well(farm: Farm, innocent: Path, before: bytes) -> None:
    assert scores(farm, innocent) == before
    [worker] = farm.workers
    assert worker.process.poll() is None
    until(lambda: len(children(worker)) == 2, 30)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shared", "kind"), [(limit, kind) for kind, (limit, *_) in BOMBS.items()], indirect=["shared"]
)
def test_a_bomb_costs_the_record_that_sets_it_off(shared: Farm, innocent: Path, tmp_path: Path, kind: str) -> None:
    """The neighbour's job runs beside it on the same worker."""
    before = scores(shared, innocent)
    _, build, code = BOMBS[kind]
    path = tmp_path / "in.csv"
    path.write_text(f"id,x\n1,1001\n2,{POISON}\n3,1003\n")
    words = "enqueue", path, "--model", freeze(tmp_path / "bomb.pb", build), "--fetch", "score", "--wait", "--json"
    begun = time.monotonic()
    bomb = shared.popen(*words)
    assert scores(shared, innocent) == before
    out, err = bomb.communicate(timeout=SECONDS)
    assert bomb.returncode == 0, err
    print(f"{kind}: {time.monotonic() - begun:.1f} s")
    assert (json.loads(out)["scored"], json.loads(out)["rejected"]) == (2, 1)
    [reject] = read(tmp_path / "in.scores.rejects.csv")
    assert (reject["record"], reject["code"]) == ("2", code), reject
    check_well(shared, innocent, before)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [STRICT], indirect=True)
def test_models_that_are_none_fail_by_themselves(shared: Farm, innocent: Path, tmp_path: Path) -> None:
    """Cut off, altered in some bytes, or nothing of the kind."""
    before, chance = scores(shared, innocent), random.Random(20)
    models = [b"", b"\x0a" * 5000, b"\x0a\xff\xff\xff\xff\x7f", SPAM[: len(SPAM) // 2], chance.randbytes(4_000)]
    for _ in range(20):
        altered = bytearray(SPAM)
        for _ in range(20):
            altered[chance.randrange(len(altered) if chance.random() < 0.2 else 4_000)] = chance.randrange(256)
        models.append(bytes(altered))
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,win\n2,lose\n")
    model = tmp_path / "model.pb"
    codes = set()
    for number, data in enumerate(models):
        model.write_bytes(data)
        begun = time.monotonic()
        run = shared.producer("enqueue", path, "--model", model, "--wait", "--again", timeout=SECONDS)
        assert time.monotonic() - begun < SECONDS
        assert "Traceback" not in run.err, f"model {number}"
        codes.add(run.code)
    assert codes <= {0, 1, 3}
    assert 1 in codes
    check_well(shared, innocent, before)
