"""The test files of other CSV readers are read as their suites say, with no option or with what the error names."""

from pathlib import Path

import pytest

from tests.formats.tables import FOLDER, NOT_AS_ITS_SUITE_SAYS, UNUSUAL, tables, verdict

TABLES = tables()
pytestmark = pytest.mark.skipif(not TABLES, reason=f"the tables of other people are not here: {FOLDER}")


@pytest.mark.parametrize("name", TABLES)
def test_it_is_read_as_its_suite_says(tmp_path: Path, name: str) -> None:
    verdict(name, tmp_path)


def test_few_of_them_are_not() -> None:
    assert len(NOT_AS_ITS_SUITE_SAYS) <= 5
    assert {*NOT_AS_ITS_SUITE_SAYS, *UNUSUAL} <= {*TABLES}
