"""Training that is stopped at any moment, in any way, goes on and ends with the same weights, to the last bit."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tensorflow.compat import v1

from model import corpus
from model.errors import ModelError
from model.training import train
from tests.model.conftest import ROOT, values
from tests.support import until
from tests.support.model_room import complaint, model, succeed

# Imports TensorFlow once and forks for each command, as a worker's parent does: a real process to kill, in no time.
LAUNCHER = """
import json, os, sys
import tensorflow
from model import corpus
from model.checkpoints import checkpoint
from model.training import resume, run, train
from model.cli import main
for line in sys.stdin:
    words, log = json.loads(line)
    child = os.fork()
    if child == 0:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        try:
            main(words, prog_name="model")
        except SystemExit as end:
            os._exit(end.code or 0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        os._exit(99)
    print("began", child, flush=True)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Launcher:
    """Starts `model` commands as processes of their own."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, words: list[str], meanwhile: Callable[[int], None] = lambda _pid: None) -> int:
        """Run a command to its end and return its exit code, doing something to it meanwhile."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([words, str(self.log)]) + "\n")
        self.process.stdin.flush()
        process = self._read("began")
        try:
            meanwhile(process)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            self._read("ended")  # or the next test would take it for its own
            raise
        return self._read("ended")

    def _read(self, word: str) -> int:
        """The number behind the next such word; what the commands themselves print is passed over."""
        assert self.process.stdout
        lines = iter(self.process.stdout.readline, "")
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{word} "))


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    launcher = Launcher(tmp_path_factory.mktemp("launcher") / "log")
    yield launcher
    launcher.process.communicate(timeout=30)


STEPS = 24


def words(labelled: Path, directory: Path, steps: int) -> list[str]:
    """A run that saves at each step: it is in the middle of a save most of the time."""
    run = ["train", labelled, "--checkpoints", directory, "--steps", steps, "--every", 1, "--keep", 3, "--no-summaries"]
    return [str(word) for word in run]


@pytest.fixture(scope="module")
def uninterrupted(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    succeed("train", labelled, "--checkpoints", folder, "--steps", STEPS, "--no-summaries")
    return values(folder / f"model.ckpt-{STEPS}")


def latest(directory: Path) -> int:
    try:
        return int((directory / "checkpoint").read_text().split('"')[1].rpartition("-")[2])
    except (OSError, IndexError, ValueError):
        return 0


def killer(directory: Path, chance: random.Random, in_a_save: bool) -> Callable[[int], None]:
    """Kills once the run has gone on: at a random moment, or at the sight of a file that is being written."""
    before = latest(directory)

    def kill(pid: int) -> None:
        until(lambda: latest(directory) > before, 60)
        if in_a_save:
            until(lambda: any(directory.glob("*.tempstate*")), 60, pause=0)  # a save takes milliseconds
        else:
            time.sleep(chance.uniform(0, 0.12))
        os.kill(pid, signal.SIGKILL)

    return kill


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_at_random_moments_it_ends_with_the_same_weights(
    kills: int, launcher: Launcher, labelled: Path, tmp_path: Path
) -> None:
    """SIGKILL, in a save as well as between two: it is what a machine that goes down does."""
    chance, steps = random.Random(kills), 24 * kills
    directory, reached = tmp_path / "run", [0]
    for number in range(kills):
        kill = killer(directory, chance, in_a_save=number % 2 == 1)
        assert launcher.run(words(labelled, directory, steps), kill) == -signal.SIGKILL
        reached.append(latest(directory))
    assert reached == sorted(set(reached))  # each life got further
    assert reached[-1] < steps
    assert launcher.run(words(labelled, directory, steps)) == 0, launcher.log.read_text()

    succeed("train", labelled, "--checkpoints", tmp_path / "in one go", "--steps", steps, "--no-summaries")
    last = f"model.ckpt-{steps}"
    assert values(directory / last) == values(tmp_path / "in one go" / last)
    assert not list(directory.glob("*temp*")) + list(directory.glob("*tmp*"))
    assert len(list(directory.glob("*.index"))) <= 3 + kills  # a save that was cut short may leave one that is whole


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_asked_to_stop_it_saves_and_says_how_to_go_on(
    number: signal.Signals, launcher: Launcher, labelled: Path, tmp_path: Path
) -> None:
    """Also between two checkpoints: nothing of what was done is lost."""
    run = [str(word) for word in ("train", labelled, "--checkpoints", tmp_path, "--steps", 4000, "--every", 10)]

    def ask(pid: int) -> None:
        until(lambda: latest(tmp_path) > 0, 60)
        os.kill(pid, number)

    assert launcher.run(run, ask) == 4
    done = latest(tmp_path)
    assert f"model: interrupted at step {done}; the same command goes on from there\n" in launcher.log.read_text()
    # As many steps again, in one go and on from there.
    for directory in (tmp_path, tmp_path / "in one go"):
        succeed("train", labelled, "--checkpoints", directory, "--steps", done + 3)
    assert values(tmp_path / f"model.ckpt-{done + 3}") == values(tmp_path / "in one go" / f"model.ckpt-{done + 3}")


def test_a_finished_run_says_so_and_more_steps_train_it_on(
    labelled: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    """Longer training later costs only the difference, and is what it would have been."""
    words = ("train", labelled, "--checkpoints", tmp_path, "--steps")
    succeed(*words, 15)
    again = model(*words, 15)
    assert (again.exit_code, again.stdout) == (0, f"{tmp_path}/model.ckpt-15\n")
    assert "finished before, at step 15" in again.stderr
    assert "has a run of 15 steps, more than the 10 asked for" in complaint(*words, 10).replace("\n", " ")
    result = model(*words, STEPS)
    assert f"going on from step 15 of {STEPS}" in result.stderr
    assert values(tmp_path / f"model.ckpt-{STEPS}") == uninterrupted


def test_another_run_in_the_same_place_is_refused_until_it_is_meant(labelled: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(labelled.read_text().replace("prize", "price"))
    place = ("--checkpoints", tmp_path / "run", "--steps", 3)
    succeed("train", labelled, *place)
    before = values(tmp_path / "run" / "model.ckpt-3")
    assert "a run on other terms (other messages)" in complaint("train", other, *place)
    assert "(seed 0, not 5)" in complaint("train", labelled, *place, "--seed", 5)
    assert values(tmp_path / "run" / "model.ckpt-3") == before
    succeed("train", other, *place, "--again")
    assert values(tmp_path / "run" / "model.ckpt-3") != before


def test_a_torn_latest_is_no_fresh_start_and_an_earlier_one_goes_on(
    labelled: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    words = ("train", labelled, "--checkpoints", tmp_path, "--steps")
    succeed(*words, 20, "--every", 10)
    torn = tmp_path / "model.ckpt-20.data-00000-of-00001"
    torn.write_bytes(torn.read_bytes()[:1000])
    line = complaint(*words, STEPS)
    assert "cannot resume from" in line
    assert "model.ckpt-10 is whole" in line
    assert line.endswith("train on from it with --from-step 10")
    assert complaint(*words, STEPS, "--from-step", 7).endswith("no checkpoint of step 7; it has those of 10, 20")
    succeed(*words, STEPS, "--from-step", 10)
    assert values(tmp_path / f"model.ckpt-{STEPS}") == uninterrupted


def test_files_that_are_missing_are_no_fresh_start(labelled: Path, tmp_path: Path) -> None:
    words = ("train", labelled, "--checkpoints", tmp_path, "--steps", 4, "--every", 2)
    succeed(*words)
    (tmp_path / "checkpoint").unlink()  # the values are whole and know their step: nothing is lost
    assert "finished before, at step 4" in model(*words).stderr
    for index in tmp_path.glob("*.index"):
        index.unlink()
    assert "has files of checkpoints, but not all" in complaint(*words)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-4"')
    assert "whose .index is missing; " in complaint(*words)


@pytest.mark.parametrize("messages", [1, 63, 64, 100])
def test_the_shuffle_follows_from_seed_and_step(messages: int) -> None:
    plan = train.Plan(steps=9, seed=3)
    whole = [rows.tolist() for rows in train.batches(messages, plan)]
    for done in range(10):
        assert [rows.tolist() for rows in train.batches(messages, plan, done)] == whole[done:]
    epoch = -(-messages // plan.batch)
    assert sorted(row for rows in whole[:epoch] for row in rows) == list(range(messages))[: epoch * plan.batch]


def test_tensorboard_reads_loss_and_figures_of_each_step_once(labelled: Path, tmp_path: Path) -> None:
    """A resumed run's curve has no step twice: what the first life wrote of later steps is withdrawn."""
    succeed("train", labelled, "--checkpoints", tmp_path, "--steps", 3)
    succeed("train", labelled, "--checkpoints", tmp_path, "--steps", 5)
    events = [
        event
        for path in sorted((tmp_path / "summaries").glob("events.out.tfevents.*"))
        for event in v1.train.summary_iterator(str(path))
    ]
    starts = [event.step for event in events if event.HasField("session_log")]
    assert starts == [1, 4]
    seen = {(event.step, value.tag): value.simple_value for event in events for value in event.summary.value}
    assert sorted(seen) == [(step, tag) for step in range(1, 6) for tag in ("epoch", "loss", "messages_per_second")]
    assert seen[5, "loss"] < seen[1, "loss"]
    assert any(event.graph_def for event in events)

    elsewhere = tmp_path / "elsewhere"
    succeed("train", labelled, "--checkpoints", tmp_path / "c", "--steps", 2, "--summaries", elsewhere)
    assert list(elsewhere.iterdir())
    assert not (tmp_path / "c" / "summaries").exists()


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_saved(labelled: Path) -> None:
    data = corpus.read([labelled])
    with (
        pytest.raises(ModelError, match=r"the loss is nan at step \d"),
        train.trained(data, train.Plan(spam_weight=float("nan"), steps=20)),
    ):
        pass
