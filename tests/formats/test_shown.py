"""What a message shows of a file: enough for its owner to know it, and little enough for everybody else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from formats.csv.detect import detect
from formats.csv.reader import Reader
from formats.errors import InputError
from formats.joined.source import join
from formats.shown import cut, quoted, shown
from graphs.words import NOTHING
from jobs.settings import Settings
from producer.pipeline.fitting import choose_model, fit_table

HASH = "$y$j9T$" + "n0t.a.hash" * 8
SECRET = f"root:{HASH}:19000:0:99999:7:::"
HEADER = ",".join([SECRET, "\x1b]0;owned\x07", *(f"column {number} of many" for number in range(60))])


def missing(path: Path) -> None:
    with Reader(path, 1 << 20) as source:
        source.blocks(["nobody"])


def unfit(path: Path) -> None:
    with Reader(path, 1 << 20) as source:
        fit_table(choose_model(None, Settings(), NOTHING), source, None, ())


def not_kept(path: Path) -> None:
    path.write_text(f"text,{HEADER}\n")
    with Reader(path, 1 << 20) as source:
        fit_table(choose_model(None, Settings(), NOTHING), source, None, ["nobody"])


def not_joined(path: Path) -> None:
    other = path.with_name("0.csv")
    other.write_text("id,text\n1,x\n")
    join(path.parent, [other, path], lambda location: Reader(location, 1 << 20))


def in_doubt(path: Path) -> None:
    detect(path, (SECRET + "\n").encode() * 3, True, {})


@pytest.mark.parametrize("fails", [missing, unfit, not_kept, not_joined, in_doubt])
def test_an_error_about_columns_shows_little_of_a_file_that_is_none(
    tmp_path: Path, fails: Callable[[Path], None]
) -> None:
    path = tmp_path / "shadow.csv"
    path.write_text(f"{HEADER}\n1,2\n")
    with pytest.raises(InputError) as refused:
        fails(path)
    said = str(refused.value).replace(str(path), "").replace(str(path.parent), "")
    assert HASH not in said
    assert len(said) < 700
    assert said.isprintable()


def test_a_name_is_whole_unless_it_is_long() -> None:
    assert shown(["id", "text"]) == "'id', 'text'"
    assert shown(["text"] * 30) == ", ".join(["'text'"] * 12) + " and 18 more"
    assert quoted("é\n") == "'é\\n'"
    assert quoted("x" * 31) == f"'{'x' * 30}…'"
    assert sum(map(len, cut(["x" * 100] * 20))) == 80
    assert cut(["\uff0a" * 100] * 20) == ["\uff0a" * 13], "each is six characters where it is escaped"
