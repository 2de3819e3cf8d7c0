"""The receipt file beside a scores file: what was scored, with what, and the digest of every batch's lines.

One JSON object; docs/receipt.md describes its fields. `seal` is a digest of all but itself and `nightly`, by which an
edit is noticed. It proves against accidents: who may change the receipt as well can deceive anybody.
"""

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import xxhash

from jobs import digest
from jobs.digest import Part
from jobs.errors import JobError, LostError, NewerFormatError
from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.proof import Written
from jobs.record import Job
from producer.outputs.files import CHUNK_BYTES, write_atomically
from producer.outputs.paths import receipt_path, rejects_path
from producer.outputs.proof import Ranges, ranges_of
from producer.outputs.receipt import make_receipt
from producer.version import version

FORMAT = 2  # 1 was a note of `producer nightly` alone
BATCH_FIELDS = (
    "first_record", "records", "scored", "scores_bytes", "scores_digest", "rejects_bytes", "rejects_digest", "head",
    "sent",
)  # fmt: skip
LARGEST = 1 << 30  # bytes of a file that is read as a receipt


class BatchProof(NamedTuple):
    """A batch's line in the receipt: its records, and its part of either file."""

    first_record: int
    records: int
    scored: int
    scores_bytes: int
    scores_digest: str
    rejects_bytes: int
    rejects_digest: str
    head: str  # of its first line in the scores file: digest.head
    sent: str  # of what the producer sent: digest.sent

    @property
    def scores(self) -> Part:
        return Part(self.scores_bytes, self.scores_digest)

    @property
    def rejects(self) -> Part:
        return Part(self.rejects_bytes, self.rejects_digest)


def write_receipt(ledger: Ledger, job: Job, output: Path, files: tuple[Path, Path]) -> None:
    """Replaces the receipt beside `output`, of a complete and collected job. `files` is where scores and rejects are at
    this moment. Raises LostError if the server can't say what is in them, OSError."""
    document = make_document(ledger, job, ledger.progress(job.id), output, files)
    before = read_document(receipt_path(output)) or {}
    nightly = before.get("nightly")
    if isinstance(nightly, dict) and nightly.get("state") == "pending":  # the schedule is at this file
        document["nightly"] = nightly
    write_document(receipt_path(output), document, job.incarnation)


def make_document(
    ledger: Ledger, job: Job, progress: Progress, output: Path, files: tuple[Path, Path]
) -> dict[str, Any]:
    """The receipt's content; as `write_receipt`."""
    header, batches = _proof(ledger, job, progress) if job.incarnation else _proof_of_format_1(progress, files)
    scores = [header.scores, *(batch.scores for batch in batches)]
    rejects = [header.rejects, *(batch.rejects for batch in batches)]
    receipt = make_receipt(job, progress)
    return {
        "format": FORMAT,
        "state": receipt.state,
        "job": job.id,
        "incarnation": job.incarnation,
        "receipt": {**receipt.to_dict(), "output": str(output), "rejects": str(rejects_path(output))},
        "record": job.to_dict(),
        "versions": versions(progress),
        "files": {
            "scores": _file(output, scores),
            "rejects": _file(rejects_path(output), rejects),
        },
        "proof": {
            "hash": "XXH3-128",
            "header": header.encode(),
            "fields": list(BATCH_FIELDS),
            "batches": [list(batch) for batch in batches],
        },
    }


def _file(path: Path, parts: Sequence[Part]) -> dict[str, Any]:
    return {"name": path.name, "bytes": sum(part.size for part in parts), "digest": digest.tree(parts)}


def _proof(ledger: Ledger, job: Job, progress: Progress) -> tuple[Written, list[BatchProof]]:
    """Raises LostError unless the batches make up the counts: a disk may have altered either."""
    header = ledger.answers.header(job.life)
    batches = []
    behind = 1
    for sent, answered, written in ledger.answers.proofs(job.life, 0, progress.batches):
        if sent is None or answered is None or written is None or sent.first != behind:
            raise LostError(f"what the server has to prove {job.id} is damaged")
        behind += sent.records
        # What `retry` has scored since a worker answered is in the files, and in `retried`.
        lines = *written.scores, *written.rejects, written.head
        batches.append(BatchProof(sent.first, sent.records, written.scored, *lines, sent.payload))
    records, scored = sum(batch.records for batch in batches), sum(batch.scored for batch in batches)
    counted = progress.records, progress.scored, progress.rejected, sum(progress.codes.values())
    if header is None or counted != (records, scored, records - scored, records - scored):
        raise LostError(f"what the server has to prove {job.id} is damaged")
    return header, batches


def _proof_of_format_1(progress: Progress, files: tuple[Path, Path]) -> tuple[Written, list[BatchProof]]:
    """The server knows no digests: those of the files as they are, in one piece."""
    parts = []
    for path in files:
        with path.open("rb") as file:
            state = xxhash.xxh3_128()
            while chunk := file.read(CHUNK_BYTES):
                state.update(chunk)
            parts.append(Part(file.tell(), state.hexdigest()))
    empty = digest.part(b"")
    whole = BatchProof(1, progress.records, progress.scored, *parts[0], *parts[1], "", "")
    return Written(empty, empty), [whole]


def versions(progress: Progress) -> dict[str, str]:
    """Of what made the files; TensorFlow's as one of the workers said."""
    found = {"python": platform.python_version(), "pyarrow": pa.__version__}
    if ours := version():
        found["nightshift"] = ours
    if progress.tensorflow:
        found["tensorflow"] = progress.tensorflow
    return found


def seal(document: dict[str, Any]) -> str:
    """The digest of a receipt: XXH3-128 over its JSON with sorted keys and no blanks, without `seal` and `nightly`."""
    sealed = {name: value for name, value in document.items() if name not in ("seal", "nightly")}
    return xxhash.xxh3_128_hexdigest(json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode())


def write_document(path: Path, document: dict[str, Any], token: str) -> None:
    """Seals and writes it, a line a batch. Raises OSError."""
    document = {name: value for name, value in document.items() if name != "seal"}
    document["seal"] = seal(document)
    proof = document.get("proof")
    if proof is None:
        text = json.dumps(document, indent=1)
    else:
        mark = "@batches@"
        batches = proof.get("batches", [])
        text = json.dumps({**document, "proof": {**proof, "batches": mark}}, indent=1)
        lines = ",\n   ".join(json.dumps(batch) for batch in batches)
        text = text.replace(f'"{mark}"', f"[\n   {lines}\n  ]" if lines else "[]")
    write_atomically(path, text.encode() + b"\n", token or "receipt")


def read_document(path: Path) -> dict[str, Any] | None:
    """None if there is no receipt, or none that can be read. Raises NewerFormatError for one that a newer version
    wrote: it is left alone."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        document = json.loads(path.read_bytes())
        version = document["format"]
        if version > FORMAT:
            raise NewerFormatError(
                f"{path} is a receipt of format {version}, which a newer version of Nightshift wrote; "
                f"this one knows {FORMAT}"
            )
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def document_ranges(document: dict[str, Any]) -> Ranges | None:
    """The parts of the files that a receipt is of; None if it does not say, or was edited."""
    try:
        if document["seal"] != seal(document):
            return None
        return ranges_of(Written.decode(document["proof"]["header"]), map(as_written, document_batches(document)))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def document_batches(document: dict[str, Any]) -> list[BatchProof]:
    """Raises KeyError, TypeError or ValueError for what is no receipt."""
    proof = document["proof"]
    columns = [proof["fields"].index(name) for name in BATCH_FIELDS]
    return [BatchProof(*(batch[column] for column in columns)) for batch in proof["batches"]]


def as_written(batch: BatchProof) -> Written:
    return Written(batch.scores, batch.rejects, batch.scored, batch.head)


def is_receipt_of(output: Path, job: Job, scores: Sequence[Part]) -> bool:
    """Whether the receipt beside `output` is of this life of the job and of a scores file of these parts, and
    unaltered. Raises NewerFormatError."""
    document = read_document(receipt_path(output))
    if document is None or document.get("seal") != seal(document):
        return False
    noted = document.get("files", {}).get("scores", {}).get("digest")
    same = (document.get("job"), document.get("incarnation")) == (job.id, job.incarnation)
    return same and (not job.incarnation or noted == digest.tree(scores))


def vouches(output: Path, job: Job) -> bool:
    """Whether the receipt beside `output`, which a command of ours has written there, is of this life of the job.
    Raises NewerFormatError."""
    document = read_document(receipt_path(output)) or {}
    return (document.get("job"), document.get("incarnation")) == (job.id, job.incarnation)


def check_neighbour(output: Path) -> None:
    """Raises JobError if rejects and receipt beside `output` belong to another scores file: out.csv and out.tsv would
    share them. Raises NewerFormatError."""
    document = read_document(receipt_path(output))
    if document is None:
        return
    name = document.get("files", {}).get("scores", {}).get("name")
    if name and name != output.name and (output.parent / Path(name).name).is_file():
        raise JobError(
            f"{rejects_path(output).name} and {receipt_path(output).name} in {output.parent} belong to {name}: "
            "name another --output"
        )
