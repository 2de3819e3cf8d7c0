"""`python -m benchmarks`: what `make bench` runs."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchmarks import compare, growth, history, inputs, lookahead, machine, report, splitting, startup, wide
from benchmarks.compare import Setting
from benchmarks.contestants import CONTESTANTS
from benchmarks.graphs import ROOT

MODELS = {"spam": ("spam",), "cheap": ("cheap",), "both": ("spam", "cheap")}


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers separated by commas; 1e6 is one as well."""

    name = "N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(float(each)) for each in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} are no numbers", param, ctx)


class Number(Numbers):
    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if isinstance(value, int) else super().convert(value, param, ctx)[0]


class Names(click.ParamType[tuple[str, ...]]):
    name = "NAME,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(value.split(","))
        for each in names:
            if each not in CONTESTANTS:
                self.fail(f"{each!r} is none of {', '.join(CONTESTANTS)}", param, ctx)
        return names


def common(rounds: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of every command."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        options = (
            click.option("--rounds", default=rounds, show_default=True, help="Figures are medians of so many."),
            click.option(
                "--cores",
                type=Numbers(),
                help="Such as 0,1; all processes of a run share them.  [default: all]",
            ),
            click.option("--timeout", default=3600.0, show_default=True, help="Seconds after which a run is killed."),
            click.option(
                "--work",
                type=click.Path(path_type=Path, file_okay=False),
                default=ROOT / ".nightshift" / "bench",
                help="For messages (kept for the next time), graphs and outputs.  [default: .nightshift/bench]",
            ),
            click.option(
                "--results",
                type=click.Path(path_type=Path, file_okay=False),
                default=ROOT / "benchmarks" / "results",
                help="Where the tables and plots go.  [default: benchmarks/results]",
            ),
            click.option("--name", help="Of the files there.  [default: the command's]"),
        )
        for option in reversed(options):
            command = option(command)
        return command

    return add


rows_option = click.option("--rows", type=Number(), default=5_000_000, show_default=True, help="Messages in the file.")
duplicates_option = click.option(
    "--duplicates",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    help="The fraction that came before.",
)
one_model = click.option("--model", type=click.Choice(["spam", "cheap"]), default="cheap", show_default=True)


@click.group()
def main() -> None:
    """Measures Nightshift: against its peers, and against itself as things grow.

    Every message is different, made from the vocabulary of data/generate; every contestant gets the same file, the same
    frozen graph and the same cores, and has its scores checked. Peers that aren't installed are left out with a word.
    Each command writes NAME.json, NAME.md and NAME.png. Leave the machine alone meanwhile. See benchmarks/README.md.

    \b
    python -m benchmarks compare --rows 100000 --rounds 1      to see that everything works
    python -m benchmarks compare                               the real thing, for a night
    python -m benchmarks compare --contestants limit,nightshift,spark --model cheap
    python -m benchmarks growth --sizes 1e5,1e6,1e7,5e7
    python -m benchmarks compare --history benchmarks/history.jsonl
    python -m benchmarks history
    """


@main.command("compare")
@common(5)
@rows_option
@duplicates_option
@click.option("--model", type=click.Choice(list(MODELS)), default="both", show_default=True, help="Which graph scores.")
@click.option(
    "--contestants", type=Names(), default=tuple(CONTESTANTS), help=f"[default: all: {', '.join(CONTESTANTS)}]"
)
@click.option(
    "--history",
    "line_to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add the figures to this file, as a line with the commit: benchmarks/history.jsonl.",
)
def compare_command(
    rows: int,
    duplicates: float,
    model: str,
    contestants: tuple[str, ...],
    line_to: Path | None,
    rounds: int,
    name: str | None,
    **common: Any,
) -> None:
    """Nightshift, the limit and the peers, taking turns."""
    results = begin(rounds)
    results["runs"] = [
        compare.compare(setting(each, rows=rows, duplicates=duplicates, **common), contestants, rounds)
        for each in MODELS[model]
    ]
    report.write(common["results"], name or "compare", results, report.comparison(results))
    if line_to:
        history.append(line_to, results)


@main.command("history")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=history.PLACE)
def history_command(file: Path) -> None:
    """What `compare --history` wrote down, sitting by sitting; FILE is benchmarks/history.jsonl unless you say."""
    click.echo(history.tell(history.read(file)), nl=False)


@main.command("growth")
@common(3)
@duplicates_option
@one_model
@click.option("--sizes", type=Numbers(), default="1e5,1e6,1e7,5e7", show_default=True, help="Messages in the files.")
def growth_command(
    sizes: tuple[int, ...], model: str, duplicates: float, rounds: int, name: str | None, **common: Any
) -> None:
    """Cost per message, and memory of every process, from few messages to many."""
    results = begin(rounds) | growth.growth(setting(model, duplicates=duplicates, **common), sizes, rounds)
    report.write(common["results"], name or "growth", results, report.growth(results))


@main.command("workers")
@common(5)
@rows_option
@one_model
@click.option("--counts", type=Numbers(), help="Worker processes.  [default: one, doubling up to two a core]")
def workers_command(
    rows: int, model: str, counts: tuple[int, ...] | None, rounds: int, name: str | None, **common: Any
) -> None:
    """Throughput against the number of worker processes, beside the limit's."""
    made = setting(model, rows=rows, **common)
    results = begin(rounds) | growth.workers(made, counts or doubling(2 * len(made.cores)), rounds)
    report.write(common["results"], name or "workers", results, report.workers(results))


@main.command("control-plane")
@common(5)
@click.option("--batches", type=Number(), default=10_000, show_default=True, help="In the job.")
@click.option("--counts", type=Numbers(), help="Worker processes.  [default: one, doubling up to two a core]")
def control_plane_command(
    batches: int, counts: tuple[int, ...] | None, rounds: int, name: str | None, **common: Any
) -> None:
    """Batches a second through one server when there is nothing to score."""
    made = setting("nothing", rows=1024 * batches, **common)
    results = begin(rounds) | growth.control_plane(made, counts or doubling(2 * len(made.cores)), rounds)
    report.write(common["results"], name or "control-plane", results, report.control_plane(results))


@main.command("startup")
@common(5)
@click.option("--cold/--warm-only", default=True, help="Also without the page cache.  [default: --cold]")
def startup_command(cold: bool, rounds: int, name: str | None, **common: Any) -> None:
    """From the command to the first score, beside a bare `import tensorflow`."""
    results = begin(rounds) | startup.startup(setting("spam", **common), rounds, cold)
    report.write(common["results"], name or "startup", results, report.startup(results))


@main.command("wide")
@common(3)
@click.option("--rows", type=Number(), default=1_000_000, show_default=True, help="Records in the file, of 2 KB each.")
def wide_command(rows: int, rounds: int, name: str | None, **common: Any) -> None:
    """A graph of 300 floats a record, beside a bare process that parses with pyarrow and feeds by itself."""
    results = begin(rounds) | wide.wide(setting("wide", rows=rows, **common), rounds)
    report.write(common["results"], name or "wide", results, report.wide(results))


@main.command("splitting")
@common(5)
@rows_option
def splitting_command(rows: int, rounds: int, name: str | None, **common: Any) -> None:
    """How fast one producer hands out a file by reference, to workers that do nothing with it."""
    results = begin(rounds) | splitting.splitting(setting("nothing", rows=rows, **common), rounds)
    report.write(common["results"], name or "splitting", results, report.splitting(results))


@main.command("inputs")
@common(3)
@rows_option
@one_model
def inputs_command(rows: int, model: str, rounds: int, name: str | None, **common: Any) -> None:
    """What other delimiters, encodings and containers cost, beside plain CSV in UTF-8."""
    results = begin(rounds) | inputs.inputs(setting(model, rows=rows, **common), rounds)
    report.write(common["results"], name or "inputs", results, report.inputs(results))


@main.command("lookahead")
@common(1)
@click.option("--files", default=lookahead.FILES, show_default=True, help="How many.")
def lookahead_command(files: int, rounds: int, name: str | None, **common: Any) -> None:
    """Fifty varied files are planned and then scored: does each end within the interval that was told?"""
    results = begin(rounds) | lookahead.lookahead(setting("spam", **common), files)
    report.write(common["results"], name or "lookahead", results, lookahead.report(results))


def setting(
    model: str,
    *,
    work: Path,
    cores: tuple[int, ...] | None,
    timeout: float,
    rows: int = 0,
    duplicates: float = 0.0,
    results: Path | None = None,  # noqa: ARG001 -- one of the common options, of no use here
) -> Setting:
    given = cores or tuple(sorted(os.sched_getaffinity(0)))
    return Setting(work.resolve(), model, rows, duplicates, given, timeout)


def begin(rounds: int) -> dict[str, Any]:
    return {"machine": machine.describe(), "rounds": rounds}


def doubling(highest: int) -> tuple[int, ...]:
    counts = [1]
    while counts[-1] * 2 <= highest:
        counts.append(counts[-1] * 2)
    return tuple(counts)


if __name__ == "__main__":
    main()
