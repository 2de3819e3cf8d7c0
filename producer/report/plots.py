"""The report's plots: what is drawn, and in which words."""

from producer.report import svg
from producer.report.axes import Axis, clock, compact, decades, from_zero, linear, number, percent
from producer.report.figures import Report, Scores
from producer.report.groups import Group
from producer.report.speed import Speed
from producer.report.text import plain

COLUMNS = 50  # of the histogram


def histogram(scores: Scores) -> str:
    counts = scores.histogram.coarse(COLUMNS).tolist()
    label = "score" if scores.node == "score" else f"score ({scores.node})"
    low, high = scores.histogram.low, scores.histogram.high
    edges = [low + (high - low) * index / COLUMNS for index in range(COLUMNS + 1)]

    def draw(size: svg.Size) -> str:
        across = linear(low, high, label, 5 if size.narrow else 10)
        plot = svg.Plot(size, across, decades(max(counts), "messages (logarithmic)"))
        for start, end, count in zip(edges, edges[1:], counts, strict=False):
            kind = "block" if start >= scores.threshold - 1e-9 * (high - low) else "pass"
            if start < scores.threshold < end and kind == "pass":  # the threshold cuts this one
                plot.bar(start, scores.threshold, count, "pass")
                plot.bar(scores.threshold, end, count, "block")
            else:
                plot.bar(start, end, count, kind)
        if low <= scores.threshold <= high:
            plot.rule(scores.threshold, f"blocked from {number(scores.threshold)}")
        return plot.draw()

    fullest = max(range(COLUMNS), key=lambda index: counts[index])
    return svg.both(
        "histogram",
        "How many messages have which score",
        f"{scores.counted:,} scores from {number(low)} to {number(high)}; most of them, {counts[fullest]:,}, between "
        f"{number(edges[fullest])} and {number(edges[fullest + 1])}. {scores.blocked:,} are at or above "
        f"{number(scores.threshold)}.",
        lambda narrow: 280 if narrow else 320,
        draw,
    )


def thresholds(scores: Scores) -> str:
    edges = scores.histogram.edges.tolist()
    shares = (scores.histogram.blocked() / max(scores.counted, 1)).tolist()
    points = [*zip(edges, [*shares, shares[-1]], strict=True)]
    # A point is drawn where the line turns; the others say nothing.
    turns = [
        point
        for before, point, after in zip(points, points[1:], points[2:], strict=False)
        if abs((point[1] - before[1]) - (after[1] - point[1])) > 1e-6
    ]
    low, high = edges[0], edges[-1]

    def draw(size: svg.Size) -> str:
        across = linear(low, high, "threshold", 5 if size.narrow else 10)
        top = from_zero(min(1.0, max([*shares[1:2], 0.01])), "share of the messages blocked", 5, _share)
        plot = svg.Plot(size, across, top)
        plot.line([points[0], *turns, points[-1]], "curve")
        if low <= scores.threshold <= high:
            plot.dot(scores.threshold, scores.share)
            plot.note(scores.threshold, scores.share, f"{percent(scores.share)} at {number(scores.threshold)}")
        return plot.draw()

    return svg.both(
        "thresholds",
        "How much would be blocked at each threshold",
        "The share of messages whose score is at or above the threshold. "
        + " ".join(
            f"{percent(choice.blocked / max(scores.counted, 1))} at {number(choice.threshold)}."
            for choice in scores.choices
        ),
        lambda narrow: 260 if narrow else 300,
        draw,
    )


def groups(found: list[Group], column: str, names: list[str]) -> str:
    rows = [
        svg.Bar(name, [(group.share, "block")], percent(group.share)) for group, name in zip(found, names, strict=True)
    ]
    return svg.both(
        "groups",
        f"Share of spam by {column}",
        " ".join(f"{name}: {percent(group.share)}." for name, group in zip(names, found, strict=True)),
        lambda narrow: len(rows) * svg.row_height(svg.Size(0, 0, narrow)),
        lambda size: svg.bars(size, rows, high=1.0),
    )


def rejects(report: Report) -> str:
    codes = sorted(report.receipt.codes.items(), key=lambda item: (-item[1], item[0]))
    rows = [svg.Bar(code, [(count, "other")], f"{count:,}") for code, count in codes]
    return svg.both(
        "rejects",
        "Rejects by reason",
        " ".join(f"{code}: {count:,}." for code, count in codes),
        lambda narrow: len(rows) * svg.row_height(svg.Size(0, 0, narrow)),
        lambda size: svg.bars(size, rows),
    )


def throughput(speed: Speed) -> str:
    length = speed.end - speed.begin
    total = sum(lane.records for lane in speed.lanes)
    mean = total / length if length else 0.0

    def draw(size: svg.Size) -> str:
        across = clock(speed.begin, speed.end, 4 if size.narrow else 8)
        up: Axis = from_zero(max([*speed.rates, mean]), "records a second", 4)
        plot = svg.Plot(size, across, up)
        for index, rate in enumerate(speed.rates):
            plot.bar(index * speed.width, min((index + 1) * speed.width, length), rate, "pass")
        plot.level(mean, f"- - {compact(float(f'{mean:.3g}'))}/s on average")
        return plot.draw()

    return svg.both(
        "throughput",
        "Records scored or rejected a second, over time",
        f"{mean:,.0f} records a second on average, {max(speed.rates):,.0f} at best, over {length:,.1f} seconds.",
        lambda narrow: 260 if narrow else 300,
        draw,
    )


def workers(speed: Speed, names: list[str]) -> str:
    rows = [
        svg.Bar(name, [(lane.seconds.get(stage, 0.0), _kind(stage)) for stage in speed.stages], f"{lane.busy:,.1f} s")
        for name, lane in zip(names, speed.lanes, strict=True)
    ]
    return svg.both(
        "workers",
        "Seconds of work by worker and stage",
        " ".join(f"{name}: {lane.busy:,.1f} s." for name, lane in zip(names, speed.lanes, strict=True)),
        lambda narrow: len(rows) * svg.row_height(svg.Size(0, 0, narrow)),
        lambda size: svg.bars(size, rows),
    )


def legend(stages: list[str]) -> str:
    items = (
        f'<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="{_kind(stage)}" width="12" height="12" rx="2"/>'
        f"</svg>{plain(stage)}</li>"
        for stage in stages
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _kind(stage: str) -> str:
    return stage if stage in ("lease", "session", "score", "encode") else "other"


def _share(value: float) -> str:
    return f"{value * 100:.4g}%"
