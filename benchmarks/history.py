"""What was measured before: a line of JSON a sitting, with the commit, so that a change for the worse shows.

A line has `commit` (with `-changed` if the checkout was not as committed), `date` (UTC), `machine`, `rounds`,
`disturbance` (cores that others kept busy meanwhile) and `runs`: for each graph its rows, cores and, by contestant, the
medians as `compare` tells them. What belongs to one sitting alone, such as its processes, is left out.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.graphs import ROOT
from benchmarks.report import DISTURBED, share, table, whole

PLACE = ROOT / "benchmarks" / "history.jsonl"
ALIKE = ("model", "rows", "duplicates", "cores")  # of runs whose figures may be compared, on one machine
Figures = Mapping[str, Any]


def append(path: Path, results: Figures) -> None:
    """Adds the results of a `compare` as one line."""
    line = json.dumps(entry(results, commit(), datetime.now(UTC).isoformat(timespec="seconds")), sort_keys=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def entry(results: Figures, commit: str | None, date: str) -> dict[str, Any]:
    """What a line has."""
    runs = [
        {
            **{name: run[name] for name in ALIKE},
            "contestants": {
                name: found["median"] and {figure: _short(value) for figure, value in found["median"].items()}
                for name, found in run["contestants"].items()
            },
        }
        for run in results["runs"]
    ]
    told = {name: results[name] for name in ("machine", "rounds", "disturbance")}
    return {"commit": commit, "date": date, **told, "runs": runs}


def commit() -> str | None:
    """The checkout's; None where there is no Git."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=-changed"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout.strip()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines, oldest first."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def tell(entries: Iterable[Figures]) -> str:
    """A Markdown table for each setting on each machine, with a row a sitting: messages a second, and what Nightshift
    makes of the limit. `*` marks sittings that others disturbed: their figures are noise."""
    tables: dict[str, list[tuple[Figures, Figures]]] = {}
    for each in entries:
        for run in each["runs"]:
            tables.setdefault(_title(each["machine"], run), []).append((each, run))
    return "\n".join(f"## {title}\n\n{_table(sittings)}" for title, sittings in tables.items())


def _title(machine: Figures, run: Figures) -> str:
    repeated = f", {run['duplicates']:.0%} of them repeated" if run["duplicates"] else ""
    return (
        f"The {run['model']} graph, {run['rows']:,} messages{repeated}, {run['cores']} cores, {machine['processor']}, "
        f"{machine['system']}, Python {machine['python']}"
    )


def _table(sittings: list[tuple[Figures, Figures]]) -> str:
    names = list(dict.fromkeys(name for _, run in sittings for name in run["contestants"]))
    rows = []
    for each, run in sittings:
        rates = {name: (median or {}).get("rate") for name, median in run["contestants"].items()}
        mark = "*" if each["disturbance"] > DISTURBED else ""
        rows.append(
            [
                f"{each['date'][:10]}{mark}",
                each["commit"] or "",
                *(whole(rates.get(name)) for name in names),
                share(rates.get("nightshift"), rates.get("limit")),
            ]
        )
    return table(["date", "commit", *names, "of the limit"], rows)


def _short(value: float | None) -> float | None:
    """With as many digits as mean something."""
    return None if value is None else float(f"{value:.4g}")
