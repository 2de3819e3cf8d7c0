"""What the sequences draw but now and then, once each: files of other kinds, and jobs not of one whole file."""

from typing import Any

import pytest

from tests.people.__main__ import Runner
from tests.people.steps import enqueue, put, retry

TOGETHER: dict[str, Any] = {"several": True, "output": "out.csv"}
KINDS: dict[str, list[dict[str, Any]]] = {
    "packed": [put("packed"), enqueue(model="number"), retry("length")],
    "colons": [put("colons"), enqueue(delimiter=":", model="number"), enqueue()],
    "the first ones": [put("mixed"), enqueue(limit=3, model="number"), retry("length"), enqueue(model="number")],
    "errors in their places": [put("mixed"), enqueue(errors=True, model="number", most="50%"), retry("length")],
    "a verdict": [put("mixed"), enqueue(threshold="0.0", model="number", most="50%"), retry("length")],
    "several": [
        put("packed"), put("mixed", "b.csv"), enqueue(model="number", **TOGETHER), retry("length"),
        {"do": "delete", "input": "b.csv"}, enqueue(model="number", **TOGETHER),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_the_files_are_those_of_an_empty_folder(runner: Runner, name: str) -> None:
    failure = runner.play(KINDS[name])
    assert failure is None, str(failure)
