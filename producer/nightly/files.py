"""Which files the schedule is about: what matches the pattern and is recent enough, and where its scores go."""

import glob
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from formats.errors import InputError
from formats.files.listing import look, matching
from formats.files.location import Location, locate
from jobs.errors import SettingsError
from producer.nightly.note import Note
from producer.outputs.paths import OURS, default_output, receipt_path, rejects_path
from producer.outputs.stored import StoredOutput

DATE, STEM = "{date}", "{stem}"


@dataclass(frozen=True, slots=True)
class File:
    """An input and where its scores go. `day` is its date by the pattern, None for a pattern without one."""

    path: Location
    place: Location  # of the scores
    output: Path  # the scores file on the disk: that very place, or where an object is made
    day: date | None

    @property
    def receipt(self) -> Path:
        return receipt_path(self.output)

    def is_published(self) -> bool:
        """Whether the scores, which are there on the disk, are where they are wanted."""
        if isinstance(self.place, Path):
            return True
        try:
            there, made = look(self.place), look(self.output)
        except InputError:  # a storage that does not say: another look will tell
            return True
        return there is not None and made is not None and there.size == made.size


class Pattern:
    """`input` is a glob (`**` included) in which `{date}` stands for a date such as 2026-11-23. `output` names a scores
    file by `{date}` and `{stem}`; None: beside the input. Raises SettingsError for an output that would be another
    file's too, or that has a date where the input has none."""

    def __init__(self, input: str, output: str | None, days: int, home: Path) -> None:
        self.input, self.days, self._home = input, days, home
        self._output = output
        for each in (input, output or ""):
            locate(each)
        if (output or "").endswith("/"):
            raise SettingsError(f"the output {output!r} is a folder: a schedule writes a file a night, and no parts")
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
        wanted = Counter(file.place for file in files)
        return [f for f in files if wanted[f.place] == 1], [f for f in files if wanted[f.place] > 1]

    def of(self, day: date) -> File | None:
        """The one file of that date, be it there or not; None if the pattern leaves open how many there are."""
        if DATE not in self.input or glob.has_magic(self.input):
            return None
        return self._file(locate(_fill(self.input, day)), day)

    def _all(self, now: datetime) -> list[File]:
        files = list(dict.fromkeys(self._matches(now)))
        written = {path for file in files for path in (file.place, _beside(file.place))}
        # Neither the scores of a file that is here, nor those of one that is gone.
        return [file for file in files if _absolute(file.path) not in written and not _has_receipt(file.path)]

    def _matches(self, now: datetime) -> Iterator[File]:
        if DATE not in self.input:
            oldest = now - timedelta(days=self.days)
            yield from (file for file in self._glob(None) if _modified(file.path) >= oldest.timestamp())
            return
        for ago in range(self.days, -1, -1):
            yield from self._glob(now.date() - timedelta(days=ago))

    def _glob(self, day: date | None) -> Iterator[File]:
        for path in matching(_fill(self.input, day)):
            if not path.name.endswith(OURS):
                yield self._file(path, day)

    def _file(self, path: Location, day: date | None) -> File:
        place = _absolute(self._place_of(path, day))
        return File(path, place, StoredOutput.path_of(place, self._home), day)

    def _place_of(self, path: Location, day: date | None) -> Location:
        if self._output is None:
            return default_output(path)
        stem = path.stem if path.suffix == ".csv" else path.name
        return locate(_fill(self._output, day).replace(STEM, stem))


def _fill(pattern: str, day: date | None) -> str:
    return pattern if day is None else pattern.replace(DATE, day.isoformat())


def _absolute(path: Location) -> Location:
    return path.absolute() if isinstance(path, Path) else path


def _beside(scores: Location) -> Location:
    """Its rejects file."""
    return scores.with_name(rejects_path(Path(scores.name)).name)


def _has_receipt(path: Location) -> bool:
    """Whether it is a scores file, by the receipt beside it; an object, if there is one at all."""
    if isinstance(path, Path):
        return Note.read(receipt_path(path)).output == path.name
    return look(path.with_name(receipt_path(Path(path.name)).name)) is not None


def _modified(path: Location) -> float:
    """Seconds since the epoch; 0 if it is gone."""
    found = look(path)
    return found.mtime_ns / 1e9 if found else 0.0
