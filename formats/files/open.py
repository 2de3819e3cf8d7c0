"""Opens a file wherever it is."""

from formats.files.local import LocalFile
from formats.files.location import Location, Url
from formats.files.opened import Opened
from formats.files.stored import StoredObject


def open_file(location: Location) -> Opened:
    """Raises InputError if there is no such file."""
    return StoredObject(location) if isinstance(location, Url) else LocalFile(location)
