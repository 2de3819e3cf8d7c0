"""Which format a file has, by its name. One line for each: CSV takes whatever no other format claims."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from formats.csv import detect
from formats.csv.dialect import PLAIN, Dialect
from formats.csv.reader import Reader
from formats.csv.sink import CsvSink
from formats.files.location import Location, locate
from formats.sink import Sink
from formats.source import Source

# By the suffix of the file's name: what opens it, from where it is, the largest size of a record in bytes, and how the
# file is to be read where its format leaves that open.
SOURCES: dict[str, Callable[[Location, int, Dialect], Source]] = {".csv": Reader}
SINKS: dict[str, Sink] = {".csv": CsvSink()}
DEFAULT = ".csv"


def open_source(name: Location | str, max_record_bytes: int, dialect: Dialect = PLAIN) -> Source:
    """A text may be a path or a URL. Raises InputError if there is no such file, or it is none of its format."""
    location = locate(name)
    return SOURCES.get(location.suffix.lower(), SOURCES[DEFAULT])(location, max_record_bytes, dialect)


def find_dialect(name: Location | str, said: Mapping[str, Any]) -> Dialect:
    """How the file is to be read, by what somebody `said` (by the fields of Dialect), by the file beside it, and by its
    beginning. Raises InputError."""
    location = locate(name)
    return detect.find_dialect(location, said) if SOURCES.get(location.suffix.lower(), Reader) is Reader else PLAIN


def sink_of(path: Path) -> Sink:
    """The format in which a scores file of that name is written."""
    return SINKS.get(path.suffix.lower(), SINKS[DEFAULT])
