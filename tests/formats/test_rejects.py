"""A reject's code means the same to everybody: to the README, the report, `retry` and the worker."""

import re

from formats.rejects import CODES, codes_by, is_mendable
from tests.support import ROOT


def test_the_readme_explains_each_code_and_no_other() -> None:
    table = (ROOT / "README.md").read_text().split("| code | meaning |")[1].split("\n\n")[0]
    explained = [code for row in table.splitlines()[2:] for code in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(explained) == sorted(CODES)


def test_what_is_wrong_with_the_file_itself_is_not_tried_again() -> None:
    assert {code for code in codes_by("reader") if is_mendable(code)} == {"record_too_large"}
    assert all(is_mendable(code) for code in codes_by("feeds") | codes_by("model"))


def test_a_code_of_a_newer_version_is_tried_again() -> None:
    """To score a record that stays rejected costs nothing; not to try it would lose it."""
    assert is_mendable("not_known_here")
