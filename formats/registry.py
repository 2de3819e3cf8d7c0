"""Which format a file has, by its name. One line for each: CSV takes whatever no other format claims."""

from collections.abc import Callable
from pathlib import Path

from formats.csv.dialect import PLAIN, Dialect
from formats.csv.reader import Reader
from formats.csv.sink import CsvSink
from formats.files.location import Location, locate
from formats.sink import Sink
from formats.source import Source

# By the suffix of the file's name: what opens it, from where it is, the largest size of a record in bytes, how the file
# is to be read where its format leaves that open, and a copy that is read in its place.
SOURCES: dict[str, Callable[[Location, int, Dialect, Path | None], Source]] = {".csv": Reader}
SINKS: dict[str, Sink] = {".csv": CsvSink()}
DEFAULT = ".csv"


def open_source(
    name: Location | str, max_record_bytes: int, dialect: Dialect = PLAIN, copy: Path | None = None
) -> Source:
    """A text may be a path or a URL. What is read is its plain `copy`, if there is one.

    Raises InputError if there is no such file, or it is none of its format.
    """
    location = locate(name)
    return SOURCES.get(location.suffix.lower(), SOURCES[DEFAULT])(location, max_record_bytes, dialect, copy)


def has_dialects(location: Location) -> bool:
    """Whether files of that name are CSV."""
    return SOURCES.get(location.suffix.lower(), Reader) is Reader


def sink_of(path: Path) -> Sink:
    """The format in which a scores file of that name is written."""
    return SINKS.get(path.suffix.lower(), SINKS[DEFAULT])
