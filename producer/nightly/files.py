"""Which files the schedule is about: what matches the pattern and is recent enough, and where its scores go."""

import glob
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from jobs.errors import SettingsError
from producer.nightly.note import Note
from producer.outputs.paths import OURS, default_output, receipt_path, rejects_path

DATE, STEM = "{date}", "{stem}"


@dataclass(frozen=True, slots=True)
class File:
    """An input and where its scores go. `day` is its date by the pattern, None for a pattern without one."""

    path: Path
    output: Path
    day: date | None

    @property
    def receipt(self) -> Path:
        return receipt_path(self.output)


class Pattern:
    """`input` is a glob (`**` included) in which `{date}` stands for a date such as 2026-11-23. `output` names a scores
    file by `{date}` and `{stem}`; None: beside the input. Raises SettingsError for an output that would be another
    file's too, or that has a date where the input has none."""

    def __init__(self, input: str, output: str | None, days: int) -> None:
        self.input, self.days = input, days
        self._output = output
        if output is None:
            return
        if DATE in output and DATE not in input:
            raise SettingsError(f"the output {output!r} has a {DATE}, but the input {input!r} has none")
        if glob.has_magic(input) and STEM not in output:
            raise SettingsError(f"the output {output!r} needs a {STEM}: {input!r} may match several files")
        if DATE in input and DATE not in output and STEM not in output:
            raise SettingsError(f"the output {output!r} needs a {DATE} or a {STEM}, or each night overwrites the last")

    def find(self, now: datetime) -> tuple[list[File], list[File]]:
        """The files of today and the `days` days before, by their dates or else by their modification times; and, apart
        from them, those that want the same output as another. `now` is local."""
        files = self._all(now)
        wanted = Counter(file.output for file in files)
        return [f for f in files if wanted[f.output] == 1], [f for f in files if wanted[f.output] > 1]

    def of(self, day: date) -> File | None:
        """The one file of that date, be it there or not; None if the pattern leaves open how many there are."""
        if DATE not in self.input or glob.has_magic(self.input):
            return None
        path = Path(_fill(self.input, day))
        return File(path, self._output_of(path, day), day)

    def _all(self, now: datetime) -> list[File]:
        files = list(dict.fromkeys(self._matches(now)))
        written = {path for file in files for path in (file.output, rejects_path(file.output))}
        return [
            file
            for file in files
            # Neither the scores of a file that is here, nor those of one that is gone.
            if file.path.absolute() not in written and Note.read(receipt_path(file.path)).output != file.path.name
        ]

    def _matches(self, now: datetime) -> Iterator[File]:
        if DATE not in self.input:
            oldest = now - timedelta(days=self.days)
            yield from (file for file in self._glob(None) if _modified(file.path) >= oldest.timestamp())
            return
        for ago in range(self.days, -1, -1):
            yield from self._glob(now.date() - timedelta(days=ago))

    def _glob(self, day: date | None) -> Iterator[File]:
        names = glob.glob(_fill(self.input, day), recursive=True)  # noqa: PTH207 -- absolute patterns too
        for name in sorted(names):
            path = Path(name)
            if not name.endswith(OURS) and path.is_file():
                yield File(path, self._output_of(path, day), day)

    def _output_of(self, path: Path, day: date | None) -> Path:
        if self._output is None:
            return default_output(path).absolute()
        stem = path.stem if path.suffix == ".csv" else path.name
        return Path(_fill(self._output, day).replace(STEM, stem)).absolute()


def _fill(pattern: str, day: date | None) -> str:
    return pattern if day is None else pattern.replace(DATE, day.isoformat())


def _modified(path: Path) -> float:
    """Seconds since the epoch; 0 if it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
