"""Proves a scores file offline, by its receipt: that scores and rejects are what was written, of that input and model.

What is wrong is said with its place: the record where ids or the input tell, else the batch's range of records. It
proves against accidents; who may change the receipt as well can deceive anybody.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from formats.csv.rejects import SINK as REJECTS
from formats.errors import InputError, NightshiftError
from formats.files.location import Location, Url
from formats.registry import sink_of
from formats.source import Source
from jobs import digest
from jobs.digest import Part
from jobs.input import copies
from jobs.proof import Written
from jobs.record import Job
from jobs.settings import Settings
from producer.given import find_input
from producer.graph import read_graph
from producer.outputs.document import BatchProof, document_batches, read_document, seal
from producer.outputs.files import match
from producer.outputs.locate import Gap, find_gaps
from producer.outputs.parts import joined
from producer.outputs.paths import receipt_path, rejects_path
from producer.outputs.stored import fetched
from producer.outputs.wanted import Folder, Output
from producer.pipeline.batching import Batch, Way, make_cursor
from producer.pipeline.referring import Referring
from producer.pipeline.serving import Serving

MOST = 20  # records that are named one by one, in a finding


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. `file` is scores, rejects, receipt, input or model; records are 1-based, None where there are
    none to name."""

    kind: str  # dropped, extra, out_of_order, altered, header, missing, receipt, input, model
    file: str
    detail: str
    first_record: int | None = None
    last_record: int | None = None


@dataclass(slots=True)
class Verdict:
    scores: str
    job: str = ""
    records: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "right": self.right}


def verify(
    scores: Output,
    receipt: Path | None = None,
    input: Location | Sequence[Location] | None = None,
    model: Path | None = None,
) -> Verdict:
    """`input` is where the input is by now; of several files also the folder or prefix that they are below, or files,
    folders and patterns again. Raises InputError if no receipt, or no such input, can be read, NewerFormatError for a
    receipt of a newer version, OSError."""
    if not isinstance(scores, Path):
        with joined(scores) if isinstance(scores, Folder) else fetched(scores) as path:
            verdict = verify(path, receipt, input, model)
        return replace(verdict, scores=str(scores))
    receipt = receipt or receipt_path(scores)
    document = read_document(receipt)
    if document is None:
        raise InputError(f"{receipt} is no receipt, or is not there: nothing proves {scores.name}")
    if "proof" not in document:
        raise InputError(f"{receipt} has no digests, by which {scores.name} could be proven")
    verdict = Verdict(str(scores))
    try:
        job = Job.from_dict(document["record"])
        header = Written.decode(document["proof"]["header"])
        batches = document_batches(document)
        verdict.job, verdict.records = job.id, sum(batch.records for batch in batches)
        if document.get("seal") != seal(document):
            verdict.findings.append(Finding("receipt", "receipt", "the receipt was edited, or cut"))
        retried = document["receipt"]["retried"]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(f"{receipt} is damaged") from None
    for each in retried:
        ranges = ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in each["records"][:MOST])
        verdict.notes.append(f"records {ranges} were scored later, by the model {each['model']}")
    given = [input] if isinstance(input, Path | Url) else [*(input or ())]
    source = find_input(job, given, copies(Settings.from_environment().home), verdict.notes)
    rejects = rejects_path(scores)
    _compare("rejects", rejects, header.rejects, [batch.rejects for batch in batches], batches, job, None, verdict)
    _compare("scores", scores, header.scores, [batch.scores for batch in batches], batches, job, source, verdict)
    if source is not None:
        with source:
            _compare_input(source, job, batches, verdict)
    if model is not None and read_graph(model).sha256 not in (job.model, *(each["model"] for each in retried)):
        verdict.findings.append(Finding("model", "model", f"{model} is not the model that scored: {job.model}"))
    return verdict


def _compare_input(source: Source, job: Job, batches: Sequence[BatchProof], verdict: Verdict) -> None:
    """Cuts the input as the producer did, and compares what would be sent."""
    if not all(batch.sent for batch in batches) or not job.block_bytes:
        verdict.notes.append("the input is not compared: the receipt is of an older version, which cut it otherwise")
        return
    # A job that goes by reference goes on by the server where its producer can't reach the place any more.
    ways: list[Way[Any]] = [Referring(source, job)] if job.by_reference else []
    ways.append(Serving(source, job))
    cursor = make_cursor(source.start)
    way, found = ways[0], ways[0].batches(cursor)
    try:
        for number, proof in enumerate(batches):
            batch = next(found, None)
            if batch is None:
                detail = f"{source.path} ends before record {proof.first_record}, which was scored"
                verdict.findings.append(Finding("input", "input", detail, proof.first_record))
                return
            if not _is_sent(way, batch, job, number, proof):
                for other in ways:
                    found = other.batches(cursor)
                    batch = next(found)
                    if _is_sent(other, batch, job, number, proof):
                        way = other
                        break
                else:
                    verdict.findings.append(_differs(source, batch))
                    return
            cursor = batch.cursor
        if batch := next(found, None):
            verdict.findings.append(_differs(source, batch))
    except (NightshiftError, KeyError) as error:
        verdict.findings.append(Finding("input", "input", f"{source.path} is not what was scored: {error}"))


def _is_sent(way: Way[Any], batch: Batch[Any], job: Job, number: int, proof: BatchProof) -> bool:
    """Whether it is what the producer sent as the batch of that number."""
    sent = digest.sent(job.incarnation, number, batch.first_record, batch.records, way.payload(batch))
    return sent == proof.sent


def _differs(source: Source, batch: Batch[Any]) -> Finding:
    first, last = batch.first_record, batch.end_record - 1
    return Finding("input", "input", f"{source.path} is not what was scored, from record {first} on", first, last)


def _compare(
    name: str, path: Path, header: Part, parts: Sequence[Part], batches: Sequence[BatchProof], job: Job,
    source: Source | None, verdict: Verdict,
) -> None:  # fmt: skip
    """One of the two files with its parts; `source` has the input where that is as it was."""
    try:
        with path.open("rb") as file:
            good = all([*match(file, [header, *parts])]) and not file.read(1)
            if good:
                return
            file.seek(0)
            content = memoryview(file.read())
    except OSError as error:
        verdict.findings.append(Finding("missing", name, f"{path}: {error.strerror}"))
        return
    if digest.part(content[: header.size]) != header:
        verdict.findings.append(Finding("header", name, f"the header of {path.name} is not as it was written"))
    if name == "rejects":  # they are few, and have their records' numbers: all is one gap
        gaps = [Gap(0, len(parts), header.size, len(content))]
    else:
        gaps = find_gaps(content, header.size, parts, [batch.head for batch in batches])
    sink = sink_of(path) if name == "scores" else REJECTS
    width = len(sink.fields(bytes(content[: header.size])))
    for gap in gaps:
        lines = list(sink.rows(BytesIO(bytes(content[gap.start : gap.stop]))))
        rows = [sink.fields(line) for line in lines]
        verdict.findings += _explain(name, path, gap, rows, width, batches, job, source)
    if name == "scores" and gaps and gaps[0].end - gaps[0].first == len(parts):
        heads = {digest.head(line) for line in lines}  # one batch alone may have been altered further down
        if len(parts) > 1 or not heads & {batch.head for batch in batches}:
            line = "no batch of the receipt is in the file: it may be another job's receipt"
            verdict.findings.append(Finding("receipt", "receipt", line))


def _explain(
    name: str, path: Path, gap: Gap, rows: Sequence[list[bytes]], width: int, batches: Sequence[BatchProof], job: Job,
    source: Source | None,
) -> Iterator[Finding]:  # fmt: skip
    """What is wrong with the batches of a gap, by record if the ids tell. A whole row has `width` fields."""
    among = batches[gap.first : gap.end]
    first = among[0].first_record if among else None
    last = among[-1].first_record + among[-1].records - 1 if among else None
    place = f"among the records {first} to {last}" if among else f"behind {gap.start:,} bytes of {path.name}"
    found = [row[0] for row in rows]
    expected = _ids(path, job, first, last, source) if name == "scores" and first and last else None
    if expected is not None:
        missing = Counter(id for _, id in expected) - Counter(found)
        extra = Counter(found) - Counter(id for _, id in expected)
        lost = [record for record, id in expected if id in missing][:MOST]
        if lost:
            numbers = ", ".join(map(str, lost))
            yield Finding("dropped", name, f"not there: the records {numbers}", lost[0], lost[-1])
        known = {id: record for record, id in expected}
        for row in [row for row in rows if len(row) != width and row[0] in known][:MOST]:
            record = known[row[0]]  # a line end or a quote came or went: the row before a lost one, say
            yield Finding("altered", name, f"record {record} has {len(row)} fields, not {width}", record, record)
        for id in list(extra)[:MOST]:
            at = known.get(id)
            what = f"record {at} is there more than once" if at else f"a row of another job or place, {place}"
            yield Finding("extra", name, what, at or first, at or last)
        if lost or extra:
            return
        moved = next((record for (record, id), other in zip(expected, found, strict=True) if id != other), None)
        if moved is not None:
            yield Finding("out_of_order", name, f"rows are out of order from record {moved} on", moved, last)
            return
        yield Finding("altered", name, f"values were altered or swapped {place}", first, last)
        return
    wanted = sum(_rows(name, batch, job) for batch in among)
    if len(rows) < wanted:
        yield Finding("dropped", name, f"{wanted - len(rows):,} rows are not there, {place}", first, last)
    elif len(rows) > wanted:
        yield Finding("extra", name, f"{len(rows) - wanted:,} rows too many, {place}", first, last)
    else:
        yield Finding("altered", name, f"rows were altered, swapped or replaced {place}", first, last)


def _rows(name: str, batch: BatchProof, job: Job) -> int:
    """How many of a batch are in that file."""
    if name == "rejects":
        return batch.records - batch.scored
    return batch.records if job.errors else batch.scored


def _ids(path: Path, job: Job, first: int, last: int, source: Source | None) -> list[tuple[int, bytes]] | None:
    """Record and id of every record [first, last] that has a row in the scores file; None if neither numbers nor the
    input tell."""
    try:
        with rejects_path(path).open("rb") as file:
            rows = REJECTS.rows(file)
            next(rows)
            rejected = {int(REJECTS.fields(row)[0]) for row in rows}
    except (OSError, ValueError, StopIteration):
        return None
    scored = [record for record in range(first, last + 1) if job.errors or record not in rejected]
    if job.id_column is None:
        return [(record, b"%d" % record) for record in scored]
    if source is None:
        return None
    ids: dict[int, bytes] = {}
    for block in source.blocks([job.id_column]):
        if block.end.record > first:
            numbers = block.record_numbers.tolist()
            ids.update(zip(numbers, block.records.column(0).to_pylist(), strict=True))
        if block.end.record > last:
            break
    if job.errors:
        ids = dict.fromkeys(rejected, b"") | ids  # of what can't be read nothing is known
    return [(record, ids[record]) for record in scored] if ids.keys() >= set(scored) else None
