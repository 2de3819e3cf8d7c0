"""What several folders of tests share lives in tests/support: nobody imports from another folder's tests."""

import re

from tests.support import ROOT

TESTS = ROOT / "tests"


def test_no_folder_imports_from_anothers_tests_or_conftest() -> None:
    strangers = []
    for path in TESTS.rglob("*.py"):
        own = ".".join(path.parent.relative_to(ROOT).parts)
        for module in re.findall(r"^\s*(?:from|import) (tests\.[\w.]+)", path.read_text(), re.MULTILINE):
            folder, _, name = module.rpartition(".")
            if (name == "conftest" or name.startswith("test_")) and folder != own:
                strangers.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not strangers


def test_what_is_shared_is_neither_a_test_nor_a_fixture() -> None:
    for path in (TESTS / "support").glob("*.py"):
        assert not re.search(r"^def test_|^@pytest\.fixture", path.read_text(), re.MULTILINE), path.name
