"""A part's lines on their way into the two files."""

from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

from formats.csv.rejects import decode_rejects, is_placed, reject_rows
from jobs import digest
from jobs.digest import Bytes
from jobs.errors import LostError
from jobs.proof import Written
from jobs.reference import PartFile
from producer.outputs.files import copy, read


def copy_part(
    part: PartFile, file: BinaryIO, files: tuple[BinaryIO, BinaryIO], widen: Callable[[bytes], Bytes], placed: bool
) -> Written:
    """Copies what a worker has written to the scores file and the rejects file; what was written. Rows of a batch of
    which nothing was scored lack the outputs, as the worker did not know them: `widen` adds these. Rejects of an older
    version's worker lack their places, which are empty then where the job's are `placed`. Raises LostError if the part
    is not as its worker wrote it."""
    scores, rejects = files
    written = part.written
    narrow = not part.outputs and written.scores.size > 0
    if narrow:
        lines = read(file, written.scores.size)
        good = digest.part(lines) == written.scores
        if good:
            wide = widen(lines)
            scores.write(wide)
            written = written._replace(scores=digest.part(wide), head=digest.head(wide))
    else:
        good = copy(file, scores, written.scores)
    lines = read(file, written.rejects.size)
    if not good or digest.part(lines) != written.rejects:
        raise LostError(f"the part {part.name} is not as its worker wrote it")
    if placed and lines and not is_placed(lines):
        lines = reject_rows(decode_rejects(BytesIO(lines)))
        written = written._replace(rejects=digest.part(lines))
    rejects.write(lines)
    return written
