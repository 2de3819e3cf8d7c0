"""The report as one HTML file: no script, nothing from elsewhere, light and dark, on paper too."""

from importlib import resources
from pathlib import Path

from formats.reason_cells import parse as split
from formats.rejects import CODES
from producer.outlook.deadline import missed
from producer.report import plots
from producer.report.axes import duration, number, percent
from producer.report.figures import Report, Scores
from producer.report.groups import Group
from producer.report.html import facts, section, step, table, time
from producer.report.repeated import CAPACITY
from producer.report.speed import Speed
from producer.report.text import decode, escape, quote
from producer.version import version

# Should a message ever get out of its quotes, nothing that it asks for is done.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(report: Report, made: float) -> str:
    """The whole page; `made` is when, in seconds since the epoch."""
    style = resources.files("producer.report").joinpath("page.css").read_text()
    name = escape(Path(report.job.input).name)
    sections = [_head(report), _notes(report)]
    if report.scores is not None and report.scores.counted:
        sections += [
            _histogram(report.scores),
            _thresholds(report.scores),
            _groups(report),
            _nearest(report, report.scores),
            _repeated(report, report.scores),
        ]
    sections.append(_rejects(report))
    if report.speed is not None:
        sections += [_throughput(report.speed), _workers(report.speed)]
    sections += [_receipt(report), _footer(made)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{name}: {report.receipt.scored:,} scored</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(report: Report) -> str:
    receipt, scores, speed = report.receipt, report.scores, report.speed
    verdict = (
        '<span class="good">✓ The counts agree:</span> each record was scored once, or rejected.'
        if receipt.agrees
        else '<span class="bad">✗ The counts disagree.</span>'
    )
    if receipt.deadline is not None and receipt.seconds is not None:
        finished = receipt.created + receipt.seconds
        verdict += (
            f'<br><span class="bad">✗ Late:</span> {missed(finished, receipt.deadline, ended=True)}.'
            if receipt.late
            else f'<br><span class="good">✓ In time:</span> wanted by {time(receipt.deadline)}.'
        )
    tiles = [("records in", f"{receipt.records:,}", time(receipt.created))]
    if scores is not None:
        tiles.append(
            (f"blocked from {number(scores.threshold)}", percent(scores.share), f"{scores.blocked:,} messages")
        )
    share = receipt.rejected / receipt.records if receipt.records else 0.0
    tiles.append(("rejected", f"{receipt.rejected:,}", f"{percent(share)} of the records"))
    took = receipt.scoring_seconds if receipt.scoring_seconds is not None else receipt.seconds
    if took:
        tiles.append(("took", duration(took), f"{receipt.scored / took:,.0f} scored a second"))
    if speed is not None:
        tiles.append(
            (
                "worker processes",
                f"{speed.workers:,}",
                f"{receipt.batches:,} batch{'es' * (receipt.batches != 1)}",
            )
        )
    items = "".join(f"<div><dt>{key}</dt><dd>{value}<small>{more}</small></dd></div>" for key, value, more in tiles)
    return (
        f"<header><h1>{escape(Path(report.job.input).name)}</h1>\n"
        f'<p class="verdict">{verdict}</p>\n<dl class="tiles">{items}</dl></header>'
    )


def _notes(report: Report) -> str:
    return "".join(f'<p class="notes">{escape(note)}</p>' for note in report.notes)


def _histogram(scores: Scores) -> str:
    histogram = scores.histogram
    rows = []
    tenths = histogram.coarse(10).tolist()
    for index, count in enumerate(tenths):
        start, end = (histogram.low + (histogram.high - histogram.low) * (index + more) / 10 for more in (0, 1))
        rows.append((f"{number(start)} to {number(end)}", f"{count:,}", percent(count / scores.counted)))
    nan = f" {histogram.nan:,} scores are not a number (nan), and are not counted here." if histogram.nan else ""
    return section(
        "Scores",
        f"How many messages have which score. From {number(scores.threshold)} on they count as spam and would be "
        f"blocked.{nan}",
        plots.histogram(scores),
        table(("score", "messages", "share"), rows),
    )


def _thresholds(scores: Scores) -> str:
    rows = [
        (number(choice.threshold), f"{choice.blocked:,}", percent(choice.blocked / scores.counted))
        for choice in scores.choices
    ]
    chosen = next(index for index, choice in enumerate(scores.choices) if choice.threshold == scores.threshold)
    return section(
        "What each threshold would block",
        "A message is blocked if its score is at or above the threshold.",
        plots.thresholds(scores),
        table(("threshold", "blocked", "share"), rows, chosen),
    )


def _groups(report: Report) -> str:
    if not report.groups or report.by_column is None:
        return ""
    column = report.by_column
    names = [_group_name(group) for group in report.groups]
    rows = [
        (
            f'<bdi dir="auto">{escape(name)}</bdi>',
            f"{group.records:,}",
            f"{group.spam:,}",
            percent(group.share),
        )
        for name, group in zip(names, report.groups, strict=True)
    ]
    return section(
        f"Spam by {column}",
        f"The share of the messages with each value of {column} that would be blocked; the most frequent values first.",
        plots.groups(report.groups, column, names),
        table((column, "messages", "spam", "share"), rows),
    )


def _group_name(group: Group) -> str:
    if group.value is None:
        return "all others"
    return decode(group.value) or "(empty)"


def _nearest(report: Report, scores: Scores) -> str:
    if not scores.nearest:
        return ""
    items = []
    for each in scores.nearest:
        side = ("block", "blocked") if each.score >= scores.threshold else ("pass", "passed")
        name = f"{escape(report.job.id_name)} {quote(each.id[:200], len(each.id))}" if report.job.id_column else ""
        where = f"record {each.record:,}" + (f" · {name}" if name else "")
        text = quote(each.text, each.size) if each.text is not None else ""
        items.append(
            f'<li><div class="key">{number(each.score)}<small><span class="{side[0]}">{side[1]}</span></small></div>'
            f'<div class="text">{text}{_why(each.reasons)}<div><small>{where}</small></div></div></li>'
        )
    return (
        f"<section><h2>Nearest the threshold</h2>\n<p>The {len(items):,} messages whose scores are nearest to "
        f"{number(scores.threshold)}, for review: each text once, the nearest first.</p>\n"
        f'<ol class="messages">{"".join(items)}</ol></section>'
    )


def _repeated(report: Report, scores: Scores) -> str:
    if report.text_column is None:
        return ""
    if not scores.repeats:
        return (
            "<section><h2>Most repeated spam</h2>\n"
            f"<p>No text came more than once among the {scores.blocked:,} messages that would be blocked.</p></section>"
        )
    items = []
    for each in scores.repeats:
        share = percent(each.count / scores.blocked)
        items.append(
            f'<li><div class="key">{each.count:,}×<small>{share}</small></div>'
            f'<div class="text">{quote(each.text, each.size)}{_why(each.reasons)}'
            f"<div><small>score {number(each.score)}</small></div></div>"
            "</li>"
        )
    how = (
        f"Different texts among them: {scores.distinct:,}."
        if scores.repeats_missed == 0
        else f"There are too many different texts to count each: a number may be too low by up to "
        f"{scores.repeats_missed:,}, and no text that came more often than one time in {CAPACITY:,} is missing."
    )
    return (
        "<section><h2>Most repeated spam</h2>\n"
        f"<p>The texts that came most often, byte for byte, among the {scores.blocked:,} messages that would be "
        f"blocked. {how}</p>\n"
        f'<ol class="messages">{"".join(items)}</ol></section>'
    )


def _why(reasons: bytes) -> str:
    """A line with what moved the score."""
    if not reasons:
        return ""
    try:
        entries = split(reasons)
    except ValueError:  # no worker of ours wrote it
        return f'<div class="why"><small>{quote(reasons)}</small></div>'
    found = []
    for each in entries:
        side = "block" if each.share == "deny" or (isinstance(each.share, float) and each.share > 0) else "pass"
        said = f"{each.share:+.2f}" if isinstance(each.share, float) else each.share
        name = f"rule {quote(each.name.encode())}" if isinstance(each.name, str) else quote(each.name)
        found.append(f'{name} <span class="{side}">{said}</span>')
    return f'<div class="why"><small>{"; ".join(found)}</small></div>'


def _rejects(report: Report) -> str:
    receipt = report.receipt
    if not receipt.rejected:
        return "<section><h2>Rejects</h2>\n<p>None: every record was scored.</p></section>"
    rows = []
    for code, count in sorted(receipt.codes.items(), key=lambda item: (-item[1], item[0])):
        first = "<br>".join(
            f"record {each.record:,}: {escape(each.detail[:200])}" for each in report.rejects.get(code, [])
        )
        rows.append(
            (
                f"<code>{escape(code)}</code><br><small>{CODES[code].meaning if code in CODES else ''}</small>",
                f"{count:,}",
                f"<small>{first}</small>",
            )
        )
    return (
        f"<section><h2>Rejects</h2>\n<p>{receipt.rejected:,} of {receipt.records:,} records were not scored. "
        f"<code>producer rejects {escape(receipt.job)}</code> prints them all.</p>\n"
        f"<figure>{plots.rejects(report)}</figure>\n"
        f'<div class="rejects scroll">{table(("reason", "records", "the first of them"), rows, plain=2)}</div>'
        "</section>"
    )


def _throughput(speed: Speed) -> str:
    length = speed.end - speed.begin
    total = sum(lane.records for lane in speed.lanes)
    rows = [
        ("from", time(speed.begin)),
        ("to", time(speed.end)),
        ("on average", f"{total / length if length else 0:,.0f}/s"),
        ("at best", f"{max(speed.rates):,.0f}/s"),
    ]
    return section(
        "Throughput",
        f"Records that workers scored or rejected a second, in steps of {step(speed.width)}; a batch counts evenly "
        "over the time that its worker took for it.",
        plots.throughput(speed),
        facts(rows),
    )


def _workers(speed: Speed) -> str:
    names = [f"{lane.worker} ({lane.processes})" if speed.by_host else lane.worker for lane in speed.lanes]
    head = ("host (processes)" if speed.by_host else "process", "records", "batches", "records/s", *speed.stages)
    rows = [
        (
            escape(name),
            f"{lane.records:,}",
            f"{lane.batches:,}",
            f"{lane.rate:,.0f}",
            *(f"{lane.seconds.get(stage, 0.0):,.2f} s" for stage in speed.stages),
        )
        for name, lane in zip(names, speed.lanes, strict=True)
    ]
    return (
        "<section><h2>Workers</h2>\n<p>Seconds of work by stage: waiting for the ledger (lease), opening the session, "
        "scoring, and encoding the result. The rate is that of a process while it works.</p>\n"
        f"<figure>{plots.legend(speed.stages)}{plots.workers(speed, names)}</figure>\n"
        f'<div class="scroll">{table(head, rows)}</div></section>'
    )


def _receipt(report: Report) -> str:
    receipt, job = report.receipt, report.job
    rows = [
        ("job", f"<code>{escape(receipt.job)}</code>"),
        ("state", escape(receipt.state)),
        ("input", escape(receipt.input)),
        ("", f"{job.size:,} bytes, modified {time(job.mtime_ns / 1e9)}"),
        ("model", f"{escape(job.model_name)}<br><code>{escape(receipt.model)}</code>"),
        ("records in", f"{receipt.records:,}"),
        ("scored", f"{receipt.scored:,}"),
        ("rejected", f"{receipt.rejected:,}"),
        ("submitted", time(receipt.created)),
        ("took", duration(receipt.seconds or 0.0) + " from submission to the last batch"),
        ("batches", f"{receipt.batches:,}"),
        ("attempts", f"{receipt.attempts:,}: a batch given to a worker; one each, unless something went wrong"),
        ("leases lost", f"{report.leases_lost:,}"),
        ("sent again", f"{report.resent:,}"),
        ("came twice", f"{receipt.redelivered:,} messages, {receipt.duplicates:,} results; neither counts"),
    ]
    if receipt.output:
        rows.append(("scores", escape(receipt.output)))
        if receipt.rejected:
            rows.append(("rejects", escape(str(receipt.rejects))))
    return f"<section><h2>Receipt</h2>\n{facts(rows)}</section>"


def _footer(made: float) -> str:
    name = f"Nightshift {version() or ''}".rstrip()
    return f"<footer>Made {time(made)} by {name}. Times are local to where this page was made.</footer>"
