"""Has an embedded server and workers start before a command is imported and its job is planned, if it will very likely
have something to score here: TensorFlow takes its seconds, and what a command imports takes most of one. Whether it
will must be seen at a glance: nothing slow is imported for it."""

import contextlib
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from formats.errors import NightshiftError
from formats.files.location import Location
from jobs.settings import Settings
from producer.outputs.paths import default_output, receipt_path

if TYPE_CHECKING:
    from producer.outputs.wanted import Output
    from producer.server.embedded import Embedded


def head_start(
    settings: Settings, files: Sequence[Location], output: "Output | None", again: bool, workers: int
) -> "Embedded | None":
    """What was begun, for whoever starts them in earnest, and is told then what is wrong with that. It is begun for
    files on this disk, with which workers need to know nothing else, and not where there is a receipt from an earlier
    time. `workers` processes; 0: one a core."""
    paths = [file for file in files if isinstance(file, Path) and _has_content(file)]
    if settings.redis_url is not None or len(paths) < len(files):
        return None
    if output is None and (len(paths) > 1 or paths[0].is_dir()):  # of these one has to say where the scores go
        return None
    scores = output or default_output(paths[0])
    if not again and isinstance(scores, Path) and receipt_path(scores).exists():
        return None
    from producer.server.embedded import Embedded

    embedded = None
    with contextlib.suppress(NightshiftError):
        embedded = Embedded(settings.home, settings.spool)
        embedded.begin(workers)
    return embedded


def _has_content(file: Path) -> bool:
    try:
        status = file.stat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_size > 0)
