"""What RE2 writes to the process's stderr, and nowhere else: a line a text for which its memory is too small."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_RE2 = b"/re2/"


@contextmanager
def re2() -> Iterator[list[bytes]]:
    """Yields a list that has, afterwards, the lines that RE2 wrote meanwhile; all others are passed on."""
    said: list[bytes] = []
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            _sort(file, said)


def _sort(file: IO[bytes], said: list[bytes]) -> None:
    file.seek(0)
    for line in file:
        if _RE2 in line:
            said.append(line)
        else:
            os.write(2, line)
