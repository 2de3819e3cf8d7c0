"""The README's chapter on models: its commands do what it says, as they stand there."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.cli import main

ROOT = Path(__file__).parents[2]


def commands() -> list[list[str]]:
    """The chapter's lines after a prompt, as words."""
    chapter = (ROOT / "README.md").read_text(encoding="utf-8").split("## From a checkpoint to the nightly job\n")[1]
    blocks = re.findall(r"```console\n(.*?)```", chapter.partition("\n## ")[0], re.DOTALL)
    return [shlex.split(line.removeprefix("$ ")) for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("programs", [{"model"}, pytest.param({"model", "producer"}, marks=pytest.mark.slow)])
def test_every_command_of_the_chapter_works(
    programs: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nightly job itself, with workers to start, only in the slow variant."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("generate"))
    shutil.copy(ROOT / "data" / "labelled.csv", "mine.csv")

    printed = {}
    for words in (words for words in commands() if words[0] in programs):
        if words[0] == "model":
            result = CliRunner().invoke(main, words[1:])
            assert result.exit_code == 0, (words, result.output, result.exception)
            printed[words[1]] = result.stdout
        else:
            program = str(Path(sys.executable).parent / words[0])
            run = subprocess.run([program, *words[1:]], capture_output=True, text=True, timeout=120)
            assert run.returncode == 0, run.stderr

    assert printed["train"] == "night/model.ckpt-150\n"
    spam, ham = (float(line.split()[0]) for line in printed["restore"].splitlines())
    assert spam > 0.5 > ham
    shown = [line.split()[:2] for line in printed["inspect"].splitlines()]
    assert ["text", "string"] in shown
    assert ["output", "score"] in shown
    if "producer" in programs:
        assert len(Path("night.scores.csv").read_text().splitlines()) == 12_001


def test_the_chapter_names_options_that_there_are() -> None:
    chapter = (ROOT / "README.md").read_text(encoding="utf-8").split("## From a checkpoint to the nightly job\n")[1]
    options = set(re.findall(r"--[a-z][a-z-]+", chapter.partition("\n## ")[0])) - {"--model", "--logdir", "--explain"}
    known = {name for command in main.commands.values() for option in command.params for name in option.opts}
    assert options <= known
