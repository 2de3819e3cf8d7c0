"""What a source reads from: the bytes of one file, opened once, and whether the file is still the same."""

from typing import Protocol

from formats.files.location import Location


class Opened(Protocol):
    """Raises InputError on being opened if there is no such file. Read by one thread."""

    @property
    def location(self) -> Location: ...

    size: int  # bytes
    mtime_ns: int  # nanoseconds since the epoch; 0 where the version tells more
    version: str  # of an object; empty for a file, which has none

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes, or as many as there are up to the size that the file had when it was opened. Raises
        InputError, whose cause is an OSError, for what a disk or a network does; ChangedError if the file got
        shorter."""

    def will_read(self, offset: int) -> None:
        """The bytes from there on will be wanted soon, in their order."""

    def unchanged(self) -> bool:
        """Whether its name still stands for the same file, of the same size, time and version."""

    def close(self) -> None: ...
