"""What workers have written goes into the files as it is, or is widened where an older version's worker wrote less."""

from io import BytesIO

from formats.csv.rejects import decode_rejects, reject_rows
from formats.rejects import Reject
from jobs import digest
from jobs.proof import Written
from jobs.reference import PartFile
from producer.outputs.part_lines import copy_part

SCORES = b"1,0.5\n"
REJECTS = (Reject(2, 3, "bad_value", "no", b'b,"x\n"', 17, "x"), Reject(3, 5, "model_error", "no", b"", None))


def copied(rejects: bytes, placed: bool) -> tuple[bytes, Written]:
    part = PartFile("p", (("s", "float"),), Written(digest.part(SCORES), digest.part(rejects), 1, digest.head(SCORES)))
    scores, other = BytesIO(), BytesIO()
    written = copy_part(part, BytesIO(SCORES + rejects), (scores, other), bytes, placed)
    assert scores.getvalue() == SCORES
    return other.getvalue(), written


def test_an_older_workers_rejects_get_empty_places() -> None:
    """In the middle of an upgrade a job has workers of both versions, and its rejects file has one width."""
    lines, written = copied(reject_rows(REJECTS, False), True)
    assert written.rejects == digest.part(lines)
    found = list(decode_rejects(BytesIO(lines)))
    assert [(each.record, each.line, each.raw, each.offset, each.column) for each in found] == [
        (2, 3, b'b,"x\n"', None, ""),
        (3, 5, b"", None, ""),
    ]
    assert lines.count(b",") == 6 * len(found) + 1


def test_rejects_are_copied_as_they_are_otherwise() -> None:
    for placed in (True, False):
        lines = reject_rows(REJECTS, placed)
        assert copied(lines, placed)[0] == lines
    assert tuple(decode_rejects(BytesIO(reject_rows(REJECTS)))) == REJECTS
