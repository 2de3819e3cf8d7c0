"""Figures of several sittings, kept as lines and told as tables."""

import re
from pathlib import Path
from typing import Any

from benchmarks import history


def results(rate: float | None, *, rows: int = 5_000_000, busy: float = 0.01) -> dict[str, Any]:
    """As `compare` gives them, of two contestants."""
    median = {"rate": rate, "lowest": 1.0, "memory": 123_456_789.0}
    run = {
        "model": "cheap", "rows": rows, "small_rows": 2000, "duplicates": 0.0, "bytes": 1, "cores": 2, "skipped": {},
        "contestants": {
            "limit": {"title": "the limit", "median": {**median, "rate": 1_000_000.0}, "rounds": [], "processes": []},
            "nightshift": {"title": "Nightshift", "median": rate and median, "rounds": [], "processes": []},
        },
    }  # fmt: skip
    machine = {"processor": "Some CPU", "system": "Linux 6", "python": "3.13.1", "cores": 2, "packages": {}}
    return {"machine": machine, "rounds": 5, "disturbance": busy, "runs": [run]}


def test_a_line_has_what_is_compared_later_and_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history.append(path, results(812_345.6))
    history.append(path, results(None))
    first, second = history.read(path)
    assert first["commit"] is None or re.fullmatch(r"[0-9a-f]{12}(-changed)?", first["commit"])
    assert first["machine"]["processor"] == "Some CPU"
    [run] = first["runs"]
    assert run["contestants"]["nightshift"] == {"rate": 812_300, "lowest": 1, "memory": 123_500_000}
    assert second["runs"][0]["contestants"]["nightshift"] is None


def test_settings_have_tables_and_sittings_have_rows() -> None:
    sittings = [
        history.entry(results(800_000.0), "a" * 12, "2026-11-01T20:00:00+00:00"),
        history.entry(results(900_000.0, busy=0.5), "b" * 12, "2026-11-02T20:00:00+00:00"),
        history.entry(results(None), "c" * 12, "2026-11-03T20:00:00+00:00"),
        history.entry(results(700_000.0, rows=1000), "d" * 12, "2026-11-04T20:00:00+00:00"),
    ]
    large, small = history.tell(sittings).split("\n\n## ")
    assert large.splitlines()[2:] == [
        "| date | commit | limit | nightshift | of the limit |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| 2026-11-01 | aaaaaaaaaaaa | 1,000,000 | 800,000 | 80% |",
        "| 2026-11-02* | bbbbbbbbbbbb | 1,000,000 | 900,000 | 90% |",
        "| 2026-11-03 | cccccccccccc | 1,000,000 |  |  |",
    ]
    assert small.startswith("The cheap graph, 1,000 messages, 2 cores, Some CPU, ")
