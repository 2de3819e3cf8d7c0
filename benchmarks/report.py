"""From results to what people read: JSON, a Markdown table, a plot."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.measure import disturbance

DISTURBED = 0.15  # cores that others kept busy meanwhile: with more, a figure is noise
_console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Progress goes to stderr; only tables go to stdout."""
    _console.print(text, soft_wrap=True, markup=False)


def write(folder: Path, name: str, results: dict[str, Any], markdown: str) -> None:
    """NAME.json, NAME.md and, where matplotlib is installed, NAME.png. The table goes to stdout as well."""
    folder.mkdir(parents=True, exist_ok=True)
    busy = results["disturbance"] = round(disturbance(), 3)
    if busy > DISTURBED:
        markdown += f"\n**Not a measurement: others kept {busy:.2f} cores of this machine busy meanwhile.**\n"
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / f"{name}.md").write_text(markdown)
    print(markdown)
    written = [f"{name}.json", f"{name}.md"]
    try:
        plot(folder / f"{name}.png", results)
        written.append(f"{name}.png")
    except ImportError:
        say("matplotlib is not installed: no plot")
    say(f"{', '.join(written)} are in {os.path.relpath(folder)}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are right-aligned."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def heading(title: str, machine: dict[str, Any], about: str) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"# {title}\n\n{about}\n\n{machine['processor']}, {machine['cores']} cores, {machine['memory']}, "
        f"{machine['system']}, Python {machine['python']}, {packages}.\n"
    )


def comparison(results: dict[str, Any]) -> str:
    machine, rounds = results["machine"], results["rounds"]
    parts = []
    for each in results["runs"]:
        limit = ((each["contestants"].get("limit") or {}).get("median") or {}).get("rate")
        rows = []
        for entry in sorted(each["contestants"].values(), key=lambda entry: -_rate(entry)):
            found = entry["median"]
            if found is None:
                rows.append([entry["title"], *["failed"] * 8])
                continue
            rows.append(
                [
                    entry["title"],
                    whole(found["rate"]),
                    f"{whole(found['lowest'])}–{whole(found['highest'])}" if found["rate"] else "too short",
                    share(found["rate"], limit),
                    f"{found['start_up']:.1f}",
                    f"{found['total']:.1f}",
                    f"{found['cpu_per_million']:.2f}",
                    megabytes(found["memory"]),
                    megabytes(found["rss"]),
                ]
            )
        duplicates = f", {each['duplicates']:.0%} of them repeated" if each["duplicates"] else ""
        text = (
            f"\n## The {each['model']} graph\n\n{each['rows']:,} messages ({each['bytes'] / 1e6:,.0f} MB){duplicates}; "
        )
        text += f"{each['cores']} cores.\n\n"
        head = ["", "messages/s", "lowest–highest", "of the limit", "start-up s", "total s", "CPU-s a million"]
        text += table([*head, "memory together MB", "largest process MB"], rows)
        text += "\nPeak resident memory of the largest processes, MB:\n\n" + table(
            ["", "processes"], [[entry["title"], largest(entry["processes"])] for entry in each["contestants"].values()]
        )
        errors = [(entry["title"], error) for entry in each["contestants"].values() for error in entry["errors"]]
        text += "".join(f"\n- {title}: {error}" for title, error in errors) + ("\n" if errors else "")
        text += "".join(f"\n- {name}: {reason}, left out" for name, reason in each["skipped"].items())
        parts.append(text + ("\n" if each["skipped"] else ""))
    about = (
        f"Medians of {rounds} rounds in which all took turns. Start-up is the time for "
        f"{results['runs'][0]['small_rows']:,} messages; messages/s and CPU-s are of the rest; total is of all."
    )
    return heading("Nightshift and its peers", machine, about) + "".join(parts)


def growth(results: dict[str, Any]) -> str:
    points = results["points"]
    costs = [
        [
            f"{point['rows']:,}",
            f"{point['seconds']:.1f}",
            whole(point["rate"]),
            f"{point['seconds'] / point['rows'] * 1e6:.2f}",
            f"{point['cpu_seconds'] / point['rows'] * 1e6:.2f}",
            megabytes(point["memory"]),
        ]
        for point in points
    ]
    names = list(dict.fromkeys(name for point in points for name in point["parts"]))
    memory = [
        [f"{point['rows']:,}", *(megabytes(point["parts"].get(name, {}).get("rss")) for name in names)]
        for point in points
    ]
    about = f"Nightshift alone, the {results['model']} graph, {results['cores']} cores, medians of {results['rounds']}."
    head = ["messages", "total s", "messages/s, scoring", "µs a message", "CPU-µs a message", "memory together MB"]
    return (
        heading("Growth", results["machine"], about)
        + f"\n{table(head, costs)}\nPeak resident memory of each process, MB:\n\n{table(['messages', *names], memory)}"
    )


def workers(results: dict[str, Any]) -> str:
    ours, limit = results["rates"]["nightshift"], results["rates"]["limit"]
    rows = [
        [str(one["workers"]), whole(one["rate"]), whole(other["rate"]), share(one["rate"], other["rate"])]
        for one, other in zip(ours, limit, strict=True)
    ]
    about = (
        f"{results['rows']:,} messages, the {results['model']} graph, {results['cores']} cores, "
        f"medians of {results['rounds']}, start-up excluded."
    )
    head = ["worker processes", "Nightshift, messages/s", "the limit, messages/s", "of the limit"]
    return heading("Throughput against workers", results["machine"], about) + "\n" + table(head, rows)


def control_plane(results: dict[str, Any]) -> str:
    rows = [
        [
            str(point["workers"]),
            f"{point['batches']:,}",
            whole(point["rate"]),
            f"{point['cpu_ms']:.2f}",
            f"{point['parts_cpu_ms']['producer']:.2f}",
            f"{point['parts_cpu_ms']['server']:.2f}",
            whole(1e3 / point["parts_cpu_ms"]["server"] if point["parts_cpu_ms"]["server"] else None),
        ]
        for point in results["points"]
    ]
    about = (
        f"Batches of 1,024 one-letter records, a graph that computes nothing, one server; {results['cores']} cores for "
        f"server, producer, workers and collector; medians of {results['rounds']}. CPU-ms are of a batch; without a "
        f"control plane the limit needs {results['limit_cpu_ms']:.2f} to read, feed and write the same records. The "
        "last column follows from the server's CPU time: the batches a second at which it would be busy all the time."
    )
    head = [
        "worker processes",
        "batches",
        "batches/s",
        "CPU-ms",
        "producer's",
        "server's",
        "server's limit",
    ]
    bare = results["bare"]
    text = (
        "\n**With bare workers**, one a core, which take, lease and complete batches and nothing else, without Celery "
        f"or TensorFlow: {whole(bare['rate'])} batches/s. A batch takes {bare['server_ms']:.2f} CPU-ms of the server, "
        f"and {bare['producer_ms']:.2f} of the producer, which collects as well.\n"
    )
    return heading("The control plane alone", results["machine"], about) + "\n" + table(head, rows) + text


def startup(results: dict[str, Any]) -> str:
    rows = [[name, f"{times['warm']:.2f}", _seconds(times["cold"])] for name, times in results["seconds"].items()]
    about = f"Seconds from the command to what is named; {results['cores']} cores, medians of {results['rounds']}. " + (
        "Cold: with none of the installed files in the page cache."
    )
    return heading("Start-up", results["machine"], about) + "\n" + table(["", "warm", "cold"], rows)


def wide(results: dict[str, Any]) -> str:
    bare = results["rates"]["a bare process"]
    rows = [
        [name, f"{rate:,.0f}", f"{rate / bare:.2f}", f"{results['cpu_seconds_a_million'][name]:.1f}"]
        for name, rate in results["rates"].items()
    ]
    about = f"{results['rows']:,} records of {results['width']} floats; {results['cores']} cores, medians of "
    head = ["", "records/s", "of the bare process", "CPU-s a million"]
    return heading("Wide records", results["machine"], f"{about}{results['rounds']}.") + "\n" + table(head, rows)


def splitting(results: dict[str, Any]) -> str:
    seconds, rows = results["seconds"], results["rows"]
    row = [
        f"{rows / seconds:,.0f}",
        f"{results['bytes'] / seconds / 1e6:,.0f}",
        f"{results['cpu_seconds'] / rows * 1e6:.3f}",
        f"{results['rss'] / 1e6:.0f}",
    ]
    about = f"{rows:,} messages ({results['bytes'] / 1e6:,.0f} MB), medians of {results['rounds']}."
    head = ["messages/s", "MB/s", "CPU-s a million", "the producer's memory MB"]
    return heading("Handing out by reference", results["machine"], about) + "\n" + table(head, [row])


def inputs(results: dict[str, Any]) -> str:
    plain = results["forms"]["plain"]
    rows = [
        [
            name,
            f"{each['rate']:,.0f}",
            f"{each['rate'] / plain['rate']:.2f}",
            f"{each['cpu_seconds'] / results['rows'] * 1e6:.2f}",
            f"{each['producer_rss'] / 1e6:.0f}",
        ]
        for name, each in results["forms"].items()
    ]
    about = (
        f"{results['rows']:,} messages, the {results['model']} graph, medians of {results['rounds']}, without "
        f"a start-up of {results['startup']:.1f} s; gzip alone takes {results['unpacking_seconds']:.1f} s."
    )
    head = ["", "messages/s", "of plain", "CPU-s a million", "the producer's memory MB"]
    return heading("Other forms of a file", results["machine"], about) + "\n" + table(head, rows)


def plot(path: Path, results: dict[str, Any]) -> None:
    """Whatever the results are of. Raises ImportError without matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import EngFormatter, ScalarFormatter

    if "runs" in results:
        figure, axes = pyplot.subplots(1, len(results["runs"]), figsize=(7 * len(results["runs"]), 4.2), squeeze=False)
        for axis, each in zip(axes[0], results["runs"], strict=True):
            entries = sorted((e for e in each["contestants"].values() if _rate(e)), key=_rate)
            names = [entry["title"] for entry in entries]
            colours = ["#c44e52" if entry["title"] == "Nightshift" else "#8c9bb0" for entry in entries]
            axis.barh(names, [_rate(entry) for entry in entries], color=colours)
            for entry in entries:
                found = entry["median"]
                spread = [found["lowest"] or 0, found["highest"] or found["rate"]]
                axis.plot(spread, [entry["title"]] * 2, "k-", linewidth=1)
            axis.set(title=f"{each['model']} graph, {each['rows']:,} messages", xlabel="messages/s, with the spread")
            axis.set_xlim(0, 1.3 * max(_rate(entry) for entry in entries))
            axis.xaxis.set_major_formatter(EngFormatter())
    elif "bytes" in results:
        figure, axis = pyplot.subplots(figsize=(6, 3))
        axis.bar(range(1, 1 + len(results["all"])), [results["rows"] / run["seconds"] for run in results["all"]])
        axis.set(
            title=f"{results['rows']:,} messages by reference", xlabel="round", ylabel="messages/s", ylim=(0, None)
        )
        axis.yaxis.set_major_formatter(EngFormatter())
    elif "forms" in results:
        figure, axis = pyplot.subplots(figsize=(7, 3))
        axis.barh(list(results["forms"]), [each["rate"] for each in results["forms"].values()], color="#c44e52")
        axis.set(title=f"{results['rows']:,} messages, the {results['model']} graph", xlabel="messages/s")
        axis.xaxis.set_major_formatter(EngFormatter())
    elif "width" in results:
        figure, axis = pyplot.subplots(figsize=(7, 2.4))
        axis.barh(list(results["rates"]), list(results["rates"].values()), color=["#8c9bb0", "#c44e52"])
        axis.set(title=f"{results['rows']:,} records of {results['width']} floats", xlabel="records/s")
    elif "points" in results and "rows" in results["points"][0]:
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.2))
        rows = [point["rows"] for point in results["points"]]
        left.plot(rows, [point["seconds"] / point["rows"] * 1e6 for point in results["points"]], "o-", label="total")
        left.plot(rows, [point["cpu_seconds"] / point["rows"] * 1e6 for point in results["points"]], "o-", label="CPU")
        left.plot(rows, [1e6 / point["rate"] for point in results["points"]], "o-", label="since the first batch")
        left.set(xscale="log", yscale="log", xlabel="messages", ylabel="µs a message")
        for formatter in (left.yaxis.set_major_formatter, left.yaxis.set_minor_formatter):
            formatter(ScalarFormatter())
        for name in dict.fromkeys(name for point in results["points"] for name in point["parts"]):
            found = [point["parts"].get(name, {}).get("rss", float("nan")) / 1e6 for point in results["points"]]
            right.plot(rows, found, "o-", label=name)
        right.set(xscale="log", xlabel="messages", ylabel="peak resident memory, MB", ylim=(0, None))
        left.legend()
        right.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    elif "rates" in results:
        figure, axis = pyplot.subplots(figsize=(6, 4.2))
        for name, points in results["rates"].items():
            axis.plot([point["workers"] for point in points], [point["rate"] for point in points], "o-", label=name)
        axis.set(xlabel=f"worker processes on {results['cores']} cores", ylabel="messages/s", ylim=(0, None))
        axis.legend()
    elif "points" in results:
        figure, axis = pyplot.subplots(figsize=(6, 4.2))
        axis.plot([p["workers"] for p in results["points"]], [p["rate"] for p in results["points"]], "o-")
        axis.set(xlabel=f"worker processes on {results['cores']} cores", ylabel="batches/s", ylim=(0, None))
    elif "files" in results:
        figure, axis = pyplot.subplots(figsize=(8, 4))
        files = sorted(results["files"], key=lambda each: float(each["took"]))
        axis.vlines(range(len(files)), [each["low"] for each in files], [each["high"] for each in files], label="told")
        axis.plot([each["took"] for each in files], "o", label="took")
        axis.set(yscale="log", xlabel="files", ylabel="seconds")
        axis.legend()
    else:
        figure, axis = pyplot.subplots(figsize=(8, 3))
        names = list(results["seconds"])
        for offset, kind in ((-0.2, "warm"), (0.2, "cold")):
            seconds = [results["seconds"][name][kind] or 0 for name in names]
            axis.barh([index + offset for index in range(len(names))], seconds, 0.4, label=kind)
        axis.set(yticks=range(len(names)), yticklabels=names, xlabel="seconds")
        axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def largest(processes: Sequence[dict[str, Any]], count: int = 8) -> str:
    """Such as `worker 630, worker 629, server 31`."""
    chosen = sorted(processes, key=lambda process: -process["rss"])[:count]
    return ", ".join(f"{process['name']} {megabytes(process['rss'])}" for process in chosen)


def whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def share(value: float | None, of: float | None) -> str:
    return f"{value / of:.0%}" if value and of else ""


def megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:,.0f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _rate(entry: dict[str, Any]) -> float:
    return float((entry["median"] or {}).get("rate") or 0.0)
