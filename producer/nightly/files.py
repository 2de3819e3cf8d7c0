"""Which files the schedule is about: what matches the pattern, is recent enough and may be taken, and where its scores
go: each file's to its own place, or those of a night's files together to one."""

import glob
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from formats.errors import InputError
from formats.files.listing import look, matching
from formats.files.location import Location, is_url, locate
from jobs.errors import SettingsError
from producer.nightly.note import Note
from producer.nightly.trust import ONLY_OURS, Trust
from producer.outputs.paths import OURS, default_output, receipt_path, rejects_path
from producer.outputs.stored import StoredOutput

DATE, STEM = "{date}", "{stem}"


@dataclass(frozen=True, slots=True)
class File:
    """An input and where its scores go. `day` is its date by the pattern, None for a pattern without one. A night's
    files that are scored together are one: `path` is then the pattern, and `parts` are they; None for a single file."""

    path: Location
    place: Location  # of the scores
    output: Path  # the scores file on the disk: that very place, or where an object is made
    day: date | None
    parts: tuple[Location, ...] | None = None

    def __str__(self) -> str:
        """What people call it. Of a pattern without a date each night has its own."""
        of_that_day = self.parts is not None and self.day and self.day.isoformat() not in str(self.path)
        return f"{self.path} of {self.day}" if of_that_day else str(self.path)

    def names(self) -> list[str]:
        """Of the parts, as they are called below the folder that the pattern names, wherever that is."""
        base = _base(str(self.path))
        return [str(part).removeprefix(base) for part in self.parts or ()]

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


class Found(NamedTuple):
    files: list[File]
    clashing: list[File]  # those that want the same output as another
    refused: list[tuple[File, str]]  # those that are not taken, and why


class Pattern:
    """`input` is a glob (`**` included) in which `{date}` stands for a date such as 2026-11-23. `output` names a scores
    file by `{date}` and `{stem}`; None: beside the input. `trust` says whose files are taken.

    With `nights` the files of a date are one input. Where `input` has no date, a file's is what `nights` says of the
    moment at which it was last modified.

    Raises SettingsError for an output that would be another file's too, or that has a date where the input has none."""

    def __init__(
        self,
        input: str,
        output: str | None,
        days: int,
        home: Path,
        nights: Callable[[datetime], date] | None = None,
        trust: Trust = ONLY_OURS,
    ) -> None:
        self.input, self.days, self._home = input, days, home
        self._output, self._nights, self._trust = output, nights, trust
        for each in (input, output or ""):
            locate(each)
        if (output or "").endswith("/"):
            raise SettingsError(f"the output {output!r} is a folder: a schedule writes a file a night, and no parts")
        if nights:
            self._check_together()
            return
        if output is None:
            return
        if DATE in output and DATE not in input:
            raise SettingsError(f"the output {output!r} has a {DATE}, but the input {input!r} has none")
        if glob.has_magic(input) and STEM not in output:
            raise SettingsError(
                f"the output {output!r} needs a {STEM}: {input!r} may match several files; --together makes one job "
                "of a night's"
            )
        if DATE in input and DATE not in output and STEM not in output:
            raise SettingsError(f"the output {output!r} needs a {DATE} or a {STEM}, or each night overwrites the last")

    def _check_together(self) -> None:
        if self._output is None:
            raise SettingsError(
                f"a night's files together have one scores file: say where it is, --output 'scores/{DATE}.csv'"
            )
        if STEM in self._output:
            raise SettingsError(
                f"the output {self._output!r} has a {STEM}, which is one file's: with --together, {DATE}"
            )
        if DATE not in self._output:
            raise SettingsError(f"the output {self._output!r} needs a {DATE}, or each night overwrites the last")

    def find(self, now: datetime) -> Found:
        """The files of today and the `days` days before, by their dates or else by their modification times. `now` is
        local."""
        files, refused = self._all(now)
        wanted = Counter(file.place for file in files)
        return Found(
            [file for file in files if wanted[file.place] == 1],
            [file for file in files if wanted[file.place] > 1],
            refused,
        )

    def of(self, day: date) -> File | None:
        """The one input of that date, be it there or not; None if the pattern leaves open how many there are."""
        if DATE not in self.input or (glob.has_magic(self.input) and not self._nights):
            return None
        if not self._nights:
            return self._file(locate(_fill(self.input, day)), day)
        files, _ = self._taken(self._glob(day))
        there = self._together(files)
        return there[0] if there else self._night(self._file(locate(_fill(self.input, day)), day), ())

    def _all(self, now: datetime) -> tuple[list[File], list[tuple[File, str]]]:
        files, refused = self._taken(dict.fromkeys(self._matches(now)))
        return (self._together(files) if self._nights else files), refused

    def _taken(self, files: Iterable[File]) -> tuple[list[File], list[tuple[File, str]]]:
        """Those that are neither the scores of a file that is here, nor of one that is gone; and those of them that
        are not taken."""
        files = list(files)
        written = {path for file in files for path in (file.place, _beside(file.place))}
        inputs = [file for file in files if _absolute(file.path) not in written and not _has_receipt(file.path)]
        base = _base(self.input)
        reasons = [(file, self._trust.objection(file.path, base)) for file in inputs]
        return [file for file, reason in reasons if not reason], [each for each in reasons if each[1]]

    def _filled(self, file: File) -> str:
        return _fill(self.input, file.day)

    def _together(self, files: Iterable[File]) -> list[File]:
        """One for each night, in the order of their dates."""
        nights: dict[Location, list[File]] = {}
        for file in files:
            nights.setdefault(file.place, []).append(file)
        found = [self._night(some[0], tuple(file.path for file in some)) for some in nights.values()]
        return sorted(found, key=lambda night: str(night.day))

    def _night(self, file: File, parts: tuple[Location, ...]) -> File:
        return replace(file, path=locate(self._filled(file)), parts=parts)

    def _matches(self, now: datetime) -> Iterator[File]:
        if DATE in self.input:
            for ago in range(self.days, -1, -1):
                yield from self._glob(now.date() - timedelta(days=ago))
            return
        oldest = now - timedelta(days=self.days)
        if self._nights is None:
            yield from (file for file in self._glob(None) if _modified(file.path) >= oldest.timestamp())
            return
        for file in self._glob(None):
            day = self._nights(datetime.fromtimestamp(_modified(file.path), UTC))
            if day >= oldest.date():
                yield self._file(file.path, day)

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


def _base(pattern: str) -> str:
    """The folder that all matches are below, as it is written: with a slash at its end, or empty."""
    steps = pattern.split("/")
    open_steps = (number for number, step in enumerate(steps) if glob.has_magic(step) or DATE in step)
    fixed = next(open_steps, len(steps) - 1)
    folder = "/".join(steps[:fixed])
    if is_url(pattern) or not folder:
        return f"{folder}/" if fixed else ""
    return f"{str(Path(folder)).rstrip('/')}/"


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
