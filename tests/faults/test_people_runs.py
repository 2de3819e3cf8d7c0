"""Two hundred sequences of what people do, with kills of everything; tests/people says what they are."""

import subprocess
import sys

import pytest

from tests.people.__main__ import Runner
from tests.people.town import open_town

SEED, SEQUENCES = "faults", 200


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_people_at_work_with_every_accident() -> None:
    """Half of them by a process of its own: a sequence keeps one core busy."""
    half = SEQUENCES // 2
    words = ["--seed", SEED, "--first", str(half), "--sequences", str(SEQUENCES - half), "--violations", "1"]
    command = [sys.executable, "-m", "tests.people", *words]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        play(half)
        said, _ = other.communicate()
        assert other.returncode == 0, said
    finally:
        if other.poll() is None:
            other.terminate()
            other.wait()


def play(sequences: int) -> None:
    with open_town() as town:
        runner = Runner(town)
        for number in range(sequences):
            failure = runner.sequence(SEED, number)
            assert failure is None, f"sequence {number}:\n{failure}\n{failure.replay}"
        assert runner.counts["(kill)"] >= 10, "or nothing was tried"
        assert runner.counts["(beside)"] >= 10
