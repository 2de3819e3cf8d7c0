"""A look ahead as people read it: lines that are no wider than their terminal, and nothing in them that acts there."""

import shlex
import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from formats.harmless import printable, shown
from graphs.feeds import Feed
from producer.lookahead.look import NOT_ASKED, Lookahead

LABEL = 11  # cells of what stands before a line's text
WIDEST = 40  # cells of a field that is shown
NARROWEST = 8
EXAMPLES = 3  # rejects that are shown


def page(look: Lookahead, width: int) -> str:
    """Lines of `width` cells at most."""
    return "\n".join(shown(each.rstrip()) for each in _lines(look, max(width, 40)))


def _lines(look: Lookahead, width: int) -> Iterator[str]:
    def said(label: str, text: str) -> Iterator[str]:
        wrapped = textwrap.wrap(text, width - LABEL - 1, break_on_hyphens=False) or [""]
        for number, line in enumerate(wrapped):
            yield f" {'' if number else label:<{LABEL - 1}} {cut(line, width - LABEL - 1)}"

    job, sample = look.job, look.sample
    several = f", {look.files:,} file{'' if look.files == 1 else 's'}" if look.files else ""
    size = f"{several}, {look.size:,} bytes" + (f", packed by {look.container}" if look.container else "")
    yield f" {'file':<{LABEL - 1}} {_ending(plain(look.input), max(8, width - LABEL - 1 - len(size)))}{size}"
    yield from said("read as", str(look.dialect))
    names = look.source.columns
    yield f" {'columns':<{LABEL - 1}} {cut(f'{len(names):,}: {_several(names)}', width - LABEL - 1)}"
    yield from said("records", _records(look))
    if look.model:
        yield from said("model", f"{plain(look.model.path.name)}, {look.model.sha256[:12]}")
    if job:
        for feed in job.feeds:
            yield f" {'fed':<{LABEL - 1}} {cut(_fed(feed), width - LABEL - 1)}"
        for each in job.constants:
            yield from said("fed", f"{plain(each.placeholder)}: {each.value!r} for all records")
        yield f" {'outputs':<{LABEL - 1}} {cut(_several(job.output_names), width - LABEL - 1)}"
        if job.threshold is not None:
            yield from said("verdict", f"spam where {job.fetches[0].name!r} is at least {job.threshold:.16g}")
        yield from said("id", repr(job.id_column) if job.id_column else "the record's number")
    if look.problem:
        yield from said("problem", plain(look.problem))
        if look.mend:
            yield from said("to mend it", plain(shlex.join(look.mend)))
    yield from said("sample", _sampled(look))
    for reject in sample.rejects[:EXAMPLES]:
        text = f"record {reject.record:,}, line {reject.line:,}, {reject.code}: {plain(reject.detail)}"
        yield f" {'':<{LABEL - 1}} {cut(text, width - LABEL - 1)}"
    for sentence in look.odd:
        yield from said("", sentence)
    if look.cost.why_not != NOT_ASKED:
        yield from said("time", _time(look))
    if look.cost.memory:
        yield from said("memory", f"some {look.cost.memory / 1e9:,.1f} GB on this machine, all processes together")
    yield ""
    yield from _rows(look, width)


def _records(look: Lookahead) -> str:
    found = look.records
    if look.limit and found.low == look.limit:
        return f"the first {look.limit:,}" if look.limit > 1 else "the first one"
    if found.is_exact:
        return f"{found.records:,}"
    return f"some {found.records:,}, an estimate: {found.low:,} to {found.high:,}"


def _fed(feed: Feed) -> str:
    how = {"cell": "", "stack": ", side by side"}.get(feed.form, f", {feed.form}s")
    if feed.form == "list":
        how = ", a list in each cell"
    return f"{plain(feed.placeholder)} ({feed.dtype}) from {_several(feed.columns)}{how}"


def _sampled(look: Lookahead) -> str:
    sample = look.sample
    if not sample.records:
        return "there is no record"
    which = f"all {sample.records:,} records" if _is_all(look) else f"the first {sample.records:,} records"
    if sample.records == 1:
        which = "the only record" if _is_all(look) else "the first record"
    codes = ", ".join(f"{code} {number:,}" for code, number in sample.codes.most_common())
    rejected = f"{sample.codes.total():,} rejected: {codes}" if codes else "none rejected"
    if look.tried == sample.records:
        return f"{which}: {rejected}"
    tried = f"the model was tried on {look.tried:,} of them" if look.tried else "the model was not tried on them"
    return f"{which}: {rejected} ({tried})"


def _is_all(look: Lookahead) -> bool:
    return look.records.is_exact and look.sample.records == look.records.records


def _time(look: Lookahead) -> str:
    cost = look.cost
    if cost.low is None or cost.high is None:
        return f"no telling: {plain(cost.why_not)}"
    processes = f"{look.workers:,} worker process{'' if look.workers == 1 else 'es'}"
    by = "" if cost.measured in ("", "here") else f", as fast as in {cost.measured}"
    return f"{seconds(cost.low, down=True)} to {seconds(cost.high)} with {processes}{by}, start-up included"


def seconds(number: float, *, down: bool = False) -> str:
    """Rounded away from the other end of an interval: `8 s`, `3 min`, `2.5 h`."""
    if number < 100:
        whole = int(number) if down else -int(-number // 1)
        return f"{whole} s"
    minutes = number / 60
    if minutes < 100:
        return f"{int(minutes) if down else -int(-minutes // 1)} min"
    return f"{minutes / 60:,.1f} h"


def _several(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:50])) + (", …" if len(names) > 50 else "")


def _rows(look: Lookahead, width: int) -> Iterator[str]:
    """A table of the first rows: the id and what is fed, and as many of the other columns as there is room for."""
    if not look.rows:
        return
    names = look.source.columns[: len(look.rows[0])]
    job = look.job
    first = {job.id_column, *job.fed_columns} if job else set()
    order = sorted(range(len(names)), key=lambda place: names[place] not in first)
    chosen: dict[int, int] = {}  # place -> cells
    room = width
    for place in order:
        texts = [names[place], *(row[place] for row in look.rows)]
        wanted = min(WIDEST, max(cell_len(_quoted(text, WIDEST)) for text in texts))
        if room < min(wanted, NARROWEST) + 1:
            break
        chosen[place] = min(wanted, room - 1)
        room -= chosen[place] + 2
    left = len(names) - len(chosen)
    yield f" the first {'record' if len(look.rows) == 1 else f'{len(look.rows)} records'}" + (
        f", without {left:,} more column{'' if left == 1 else 's'}:" if left else ":"
    )
    places = sorted(chosen)
    for number, row in enumerate([list(names), *look.rows]):
        cells = [
            cut(plain(row[place]) if not number else _quoted(row[place], WIDEST), chosen[place]) for place in places
        ]
        padded = (cell + " " * (chosen[place] - cell_len(cell)) for cell, place in zip(cells, places, strict=True))
        yield " " + "  ".join(padded)


def _quoted(text: str, longest: int) -> str:
    """As Python has it; of a text that is longer only its beginning is looked at."""
    return repr(text[: longest + 1])


def plain(text: object) -> str:
    """A stranger's text without what a terminal would act on."""
    return printable(str(text))


def _ending(text: str, width: int) -> str:
    """Of a path: what it is called is at its end."""
    while cell_len(text) > width:
        text = "…" + text[2:]
    return text


def cut(text: str, width: int) -> str:
    """To so many cells."""
    return text if cell_len(text) <= width else set_cell_size(text, max(1, width - 1)).rstrip() + "…"
