"""The rejects file beside a scores file, read again."""

from collections.abc import Iterator
from pathlib import Path

from formats.csv.rejects import decode_rejects
from formats.rejects import Reject
from producer.outputs.paths import rejects_path


def read_rejects(output: Path) -> Iterator[Reject]:
    """The rejects beside the scores file `output`, in record order."""
    with rejects_path(output).open("rb") as file:
        file.readline()  # the header
        yield from decode_rejects(file)
