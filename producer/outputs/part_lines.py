"""A part's lines on their way into the two files."""

from collections.abc import Callable
from typing import BinaryIO

from jobs import digest
from jobs.digest import Bytes
from jobs.errors import LostError
from jobs.proof import Written
from jobs.reference import PartFile
from producer.outputs.files import copy


def copy_part(
    part: PartFile, file: BinaryIO, files: tuple[BinaryIO, BinaryIO], widen: Callable[[bytes], Bytes]
) -> Written:
    """Copies what a worker has written to the scores file and the rejects file; what was written. Rows of a batch of
    which nothing was scored lack the outputs, as the worker did not know them: `widen` adds these. Raises LostError if
    the part is not as its worker wrote it."""
    scores, rejects = files
    written = part.written
    narrow = not part.outputs and written.scores.size > 0
    if narrow:
        lines = file.read(written.scores.size)
        good = digest.part(lines) == written.scores
        if good:
            wide = widen(lines)
            scores.write(wide)
            written = written._replace(scores=digest.part(wide), head=digest.head(wide))
    else:
        good = copy(file, scores, written.scores)
    if not (good and copy(file, rejects, written.rejects)):
        raise LostError(f"the part {part.name} is not as its worker wrote it")
    return written
