"""The rules of the expectations, compiled into a graph whose scores are fed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from tensorflow.compat import v1

from model.graph import frozen
from model.rules import cases, compiling, joining, reading
from model.rules.policy import Policy
from tests.model.rules.expected import write

Columns = dict[str, list[bytes]]


class Compiled(NamedTuple):
    """`run` takes columns and the model's scores, and gives scores, verdicts and rules."""

    policy: Policy
    run: Callable[[Columns, npt.NDArray[np.float32]], list[npt.NDArray[np.generic]]]


def compiled(place: Path) -> Iterator[Compiled]:
    rules = reading.read(place)
    guarded = compiling.compile(cases.stand_in(), rules.policy, joining.join(rules).groups)
    graph = frozen.load(guarded.content)
    session = v1.Session(graph=graph)  # not entered: several may be open at once
    session.run(frozen.initialisers(graph))

    def run(columns: Columns, scores: npt.NDArray[np.float32]) -> list[npt.NDArray[np.generic]]:
        feeds = {f"{name}:0": np.array(cells, object) for name, cells in columns.items()}
        return session.run(["score:0", "verdict:0", "rule:0"], {**feeds, "given:0": scores})

    yield Compiled(rules.policy, run)
    session.close()


@pytest.fixture(scope="module")
def expectations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compiled]:
    place, _ = write(tmp_path_factory.mktemp("rules"))
    yield from compiled(place)


@pytest.fixture
def compile_rules(tmp_path: Path) -> Iterator[Callable[[str], Compiled]]:
    """Compiles a file of rules from its text."""
    opened: list[Iterator[Compiled]] = []

    def make(text: str) -> Compiled:
        place = tmp_path / f"rules{len(opened)}.toml"
        place.write_text(text, encoding="utf-8")
        opened.append(compiled(place))
        return next(opened[-1])

    yield make
    for each in opened:
        next(each, None)
