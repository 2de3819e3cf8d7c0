"""Faults as they happen, brought upon a real server, real workers and the real command; and what must be true after.

Every test ends with `Night.check`: the files are those of an undisturbed run byte for byte, the receipt agrees, nothing
is left behind, and every surviving worker takes new work. The workers stay from test to test, so that what one fault
broke in them unseen shows in the next.
"""

import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.inputs import ROWS, build_model, write_input
from tests.faults.night import Night, make_reference
from tests.faults.site import Site, open_site

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # which process to kill is read from /proc


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--by-reference", action="store_true", help="workers read and write for themselves in every test")
    parser.addoption(
        "--form", choices=("file", "gzip", "stdin"), default="file", help="how the input comes: as it is, packed, piped"
    )


@pytest.fixture(scope="session")
def by_reference(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--by-reference", default=False))


@pytest.fixture(scope="session")
def form(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--form", default="file"))


@pytest.fixture(scope="session")
def site(by_reference: bool) -> Iterator[Site]:
    with open_site("no" if by_reference else "everysec") as site:  # as the embedded server has it
        site.hire()
        yield site


@pytest.fixture(scope="session")
def slow_model(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("slow"))


_numbers = itertools.count(1)
References = Callable[[int], Path]


@pytest.fixture(scope="session")
def reference(site: Site, slow_model: Path, tmp_path_factory: pytest.TempPathFactory) -> References:
    folder = tmp_path_factory.mktemp("reference")

    @functools.cache
    def of(rows: int) -> Path:
        site.staff(max(1, len(site.workers)))
        return make_reference(site, folder, slow_model, rows)

    return of


@pytest.fixture
def night(
    site: Site, slow_model: Path, reference: References, tmp_path: Path, by_reference: bool, form: str
) -> Iterator[Callable[..., Night]]:
    """Makes nights over files of their own; the processes they start don't outlive the test."""
    nights: list[Night] = []

    def make(
        milliseconds: int = 60,
        rows: int = ROWS,
        workers: int = 2,
        staff: bool = True,
        site: Site = site,
        spool: bool = False,
    ) -> Night:
        reference(rows)  # by workers that are there
        if staff:
            site.staff(workers)
        number = next(_numbers)
        path = tmp_path / f"night{os.getpid()}x{number}.csv"
        write_input(path, rows, milliseconds)
        if form == "stdin":  # the same bytes would be the same job
            with path.open("a") as file:
                file.write("\n" * number)
        nights.append(Night(site, path, reference(rows), slow_model, spool or by_reference, form))
        return nights[-1]

    yield make
    for each in nights:
        for process in each.started:
            if process.poll() is None:
                process.kill()
                process.wait()
