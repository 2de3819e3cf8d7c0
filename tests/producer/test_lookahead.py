"""How many records a plan says there are, where they are not all counted."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.glance import glance
from producer.lookahead import records
from producer.lookahead.page import plain, seconds
from producer.lookahead.records import Count, count
from producer.lookahead.sampling import sampled


def counted(path: Path) -> Count:
    found = glance(path, 1 << 20, {})
    with found.source:
        seen = sampled(found, None)
        return count(found, seen.sample, seen.densities)


def test_a_file_that_takes_too_long_to_count_is_looked_at_all_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records get longer: the first ones alone would tell another number."""
    chance = random.Random(1)
    lines = [f"{n},{'x' * chance.randrange(1 + n // 1000)}\n" for n in range(300_000)]
    (tmp_path / "m.csv").write_text("id,text\n" + "".join(lines))
    assert counted(tmp_path / "m.csv") == (300_000, 300_000, 300_000, True)
    monkeypatch.setattr(records, "COUNT_SECONDS", 0.0)
    found = counted(tmp_path / "m.csv")
    assert not found.is_exact
    assert found.low <= 300_000 <= found.high
    assert found.high < 2 * found.low


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_what_is_packed_is_judged_by_how_far_its_beginning_went(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """Also where a few bytes stand for a megabyte."""
    content = b"id,text\n" + b"1,aaaaaaaaaaaaaaaaaaaaaaaa\n" * 1_000_000
    (tmp_path / "m.csv").write_bytes(pack(content))
    found = counted(tmp_path / "m.csv")
    assert found.low <= 1_000_000 <= found.high
    assert found.is_exact == (pack is bytes)


def test_a_time_is_said_in_round_numbers_that_hold_it() -> None:
    assert (seconds(3.9, down=True), seconds(3.1)) == ("3 s", "4 s")
    assert (seconds(130, down=True), seconds(130)) == ("2 min", "3 min")
    assert seconds(9000) == "2.5 h"


def test_what_does_not_print_is_named() -> None:
    assert plain("a\x1b[2J\u202e\n") == r"a\x1b[2J\u202e\n"
