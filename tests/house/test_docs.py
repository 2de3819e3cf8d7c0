"""The pages lead where they say, and the glossary's names are the code's."""

import re
from pathlib import Path

import pytest

from tests.support import ROOT

ROOMS = ("producer", "jobs", "worker", "model", "formats", "graphs")
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("data/*.md")})


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


def test_every_name_in_the_glossary_is_in_the_code() -> None:
    code = "\n".join(path.read_text() for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    rows = re.findall(r"^\|.*\|(.*)\|$", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(names) > 20
    for name in names:
        assert re.search(rf"^(?:class {name}\b|{name}\b.* = )", code, re.MULTILINE), name


def test_every_word_in_the_glossary_is_there_once() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [word for word in re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE) if word not in ("word", "---")]
    assert len(words) == len(set(words)) > 40


def test_every_test_that_the_guarantees_name_is_there() -> None:
    """Each promise names what keeps it; a test that was renamed or removed would leave an empty one."""
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8").replace("`F/", "`faults/")
    files = set(re.findall(r"`([\w/]+/test_\w+\.py)`", text))
    names = set(re.findall(r"`(test_\w+)`", text))
    assert len(files) > 10
    assert len(names) > 20
    there = {str(path.relative_to(ROOT / "tests")): path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    assert files <= there.keys(), files - there.keys()
    code = "\n".join(there[file] for file in files)
    missing = {name for name in names if f"def {name}(" not in code}
    assert not missing, missing
