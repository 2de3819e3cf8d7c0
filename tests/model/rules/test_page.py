"""docs/rules.md and the example it leads to: the commands run as they stand there, and what is shown is true."""

import re
import shlex
import shutil
import tomllib
from pathlib import Path

import pytest

from model.cli import main
from tests.support import ROOT
from tests.support.model_room import model, succeed

PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


def test_the_pages_commands_run_on_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("examples/rules.toml", "examples/rules.csv", "data/spam.pb"):
        shutil.copy2(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    [block] = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    commands = [shlex.split(line.removeprefix("$ ")) for line in block.splitlines()]
    assert [words[0] for words in commands] == ["model"] * 3 + ["producer"]
    shown = [succeed(*words[1:]) for words in commands[:3]]
    assert "link shorteners  deny         text      3 domains" in shown[2]


def test_the_pages_file_is_one_of_rules(tmp_path: Path) -> None:
    [block] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "rules.toml").write_text(block)
    (tmp_path / "senders.txt").write_text("+15550001\n")
    assert tomllib.loads(block).keys() == {"thresholds", "allow", "deny", "points"}
    (tmp_path / "cases.csv").write_text("text,sender,score,rule\nYou have won!,x,0.2,prizes\nhi,+15550001,1,our own\n")
    result = model("rules", tmp_path / "rules.toml", "--test", tmp_path / "cases.csv")
    assert "1 of 2 expectations hold" not in result.stderr, result.stderr
    assert "2 of 2 expectations hold" in result.stderr, result.stderr


def test_the_page_names_options_that_there_are() -> None:
    known = {name for command in main.commands.values() for option in command.params for name in option.opts}
    assert set(re.findall(r"(?<![a-z])--[a-z][a-z-]+", PAGE)) - {"--feed", "--model"} <= known
