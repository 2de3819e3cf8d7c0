"""What the sequences found, each as a person would meet it."""

import itertools
import json
import signal
from pathlib import Path

import pytest

from tests.people.__main__ import Runner
from tests.people.inputs import TEXTS
from tests.people.steps import enqueue, put, retry
from tests.people.world import Run


def producer(runner: Runner, folder: Path, *words: str) -> Run:
    world = runner.town.tried
    return world.finish(world.start(words, folder, world.environment()))


FOUND = {
    "the same with other options in between": [put("one"), enqueue(), enqueue(keep="text"), enqueue()],
    "a retry by a model that scores none": [put("words"), enqueue(model="number"), retry("integer")],
    "the same after one that scores some": [put("mixed"), enqueue(model="integer"), retry("number"), retry("integer")],
}

FOUND["a retry that scores none, beside a broken receipt"] = [
    put("words"), enqueue(model="number"), {"do": "damage", "file": "a.scores.receipt.json", "how": "empty"}, retry(),
]  # fmt: skip
FOUND["a retry where a directory is in the receipt's place"] = [
    put("mixed"), enqueue(model="number"), {"do": "damage", "file": "a.scores.receipt.json", "how": "directory"},
    retry("length"),
]  # fmt: skip
UNSEEN = [put("mixed"), enqueue(model="number", wait=False), {"do": "delete", "input": "a.csv"}]
COLLECT = {"do": "collect", "job": 0, "output": "a.scores.csv"}
BACK = {"do": "restore", "input": "a.csv"}
FOUND["collected while the input was away, and enqueued again"] = [*UNSEEN, COLLECT, BACK, enqueue(model="number")]
FOUND["the same, and collected elsewhere"] = [*UNSEEN, COLLECT, BACK, {**COLLECT, "output": "out.csv"}]


@pytest.mark.parametrize("name", FOUND)
def test_a_sequence_that_once_failed(runner: Runner, name: str) -> None:
    failure = runner.play(FOUND[name])
    assert failure is None, str(failure)


def test_what_killed_commands_left_goes_with_the_next_success(runner: Runner, tmp_path: Path) -> None:
    """But for what another job has collected, and the server has no more."""
    (tmp_path / "a.csv").write_bytes(TEXTS["plain"])
    other = producer(runner, tmp_path, "enqueue", "a.csv", "--output", "other.csv", "--keep", "text", "--json")
    life = json.loads(other.out)["incarnation"]
    left = ["a.scores.csv.12345.partial", "a.scores.rejects.csv.12345.partial", "a.scores.receipt.json.1.partial"]
    kept = [f"a.scores.csv.{life}.partial", "b.scores.csv.12345.partial"]

    def litter() -> None:
        for name in (*left, *kept):
            (tmp_path / name).write_bytes(b"half")
        (tmp_path / ".a.scores.retry").mkdir()
        (tmp_path / ".a.scores.retry" / "rejected.csv").write_bytes(b"half")

    for what in ("a job of its own", "files that are there already"):
        litter()
        run = producer(runner, tmp_path, "enqueue", "a.csv", "--wait")
        assert run.code == 0, run.err
        there = sorted(path.name for path in tmp_path.iterdir() if "other" not in path.name and path.name != "a.csv")
        assert there == sorted([*kept, "a.scores.csv", "a.scores.receipt.json", "a.scores.rejects.csv"]), what


def test_interrupted_however_early_it_ends_as_any_interrupted_command(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TEXTS["plain"])
    world = runner.town.tried
    codes: list[int] = []
    later = itertools.takewhile(lambda _: 4 not in codes, (60 << doubled for doubled in range(8)))  # on a busy machine
    for milliseconds in itertools.chain(range(0, 60, 2), later):
        started = world.start(("enqueue", "a.csv", "--wait", "--again"), tmp_path, world.environment())
        world.ended(started, milliseconds / 1000)
        world.signal(started, signal.SIGINT)
        run = world.finish(started)
        assert run.code in (0, 4), run.err
        assert run.code == 0 or "interrupted" in run.err
        codes.append(run.code)
    assert 4 in codes
