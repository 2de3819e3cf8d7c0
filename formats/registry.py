"""Which format a file has, by its name. One line for each: CSV takes whatever no other format claims."""

from collections.abc import Callable
from pathlib import Path

from formats.csv.reader import Reader
from formats.csv.sink import CsvSink
from formats.files.location import Location, locate
from formats.sink import Sink
from formats.source import Source

# By the suffix of the file's name: what opens it, from where it is and the largest size of a record in bytes.
SOURCES: dict[str, Callable[[Location, int], Source]] = {".csv": Reader}
SINKS: dict[str, Sink] = {".csv": CsvSink()}
DEFAULT = ".csv"


def open_source(name: Location | str, max_record_bytes: int) -> Source:
    """A text may be a path or a URL. Raises InputError if there is no such file, or it is none of its format."""
    location = locate(name)
    return SOURCES.get(location.suffix.lower(), SOURCES[DEFAULT])(location, max_record_bytes)


def sink_of(path: Path) -> Sink:
    """The format in which a scores file of that name is written."""
    return SINKS.get(path.suffix.lower(), SINKS[DEFAULT])
