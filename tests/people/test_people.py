"""Twenty sequences of what people do; `make test-faults` plays two hundred, `python -m tests.people` any number."""

from tests.people.__main__ import Runner

SEED, SEQUENCES = "test", 20


def test_whatever_people_do_the_files_are_those_of_an_empty_folder(runner: Runner) -> None:
    for number in range(SEQUENCES):
        failure = runner.sequence(SEED, number, gentle=True)
        assert failure is None, f"sequence {number}:\n{failure}\n{failure.replay}"
    done = [name for name in runner.counts if name.startswith("enqueue -> ")]
    assert {"enqueue -> 0", "enqueue -> 3", "enqueue -> 1"} <= {*done}, "or nothing was tried"
