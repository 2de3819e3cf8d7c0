"""docs/thresholds.md: the commands run as they stand there, and what is said is so."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from producer.cli.enqueue import enqueue
from tests.support import ROOT
from tests.support.model_room import succeed

PAGE = (ROOT / "docs" / "thresholds.md").read_text(encoding="utf-8")


def test_the_pages_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("spam.pb", "new.pb"):
        shutil.copy2(ROOT / "data" / "spam.pb", tmp_path / name)
    rows = (ROOT / "data" / "labelled.csv").read_bytes().splitlines(keepends=True)
    (tmp_path / "labelled.csv").write_bytes(b"".join(rows[:200]))
    monkeypatch.chdir(tmp_path)
    [block] = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    *commands, last = [shlex.split(line.removeprefix("$ ")) for line in block.splitlines()]
    assert {words[0] for words in commands} == {"model"}
    said = [succeed(*words[1:]) for words in commands]
    wanted = ("95 % interval", "the cheapest here", "verdicts: from 0.5 on for review", "language", "against spam.pb")
    for each, text in zip(wanted, said, strict=True):
        assert each in text
    assert last[:2] == ["producer", "enqueue"]
    assert {word for word in last if word.startswith("--")} <= {name for each in enqueue.params for name in each.opts}
