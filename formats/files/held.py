"""The beginning of a file, held in memory in the place of all of it."""

from formats.files.location import Location


class HeldBytes:
    """Opened, for whoever looks and goes: it does not change."""

    mtime_ns = 0
    version = ""

    def __init__(self, location: Location, data: bytes) -> None:
        self.location, self._data = location, data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def will_read(self, offset: int) -> None:
        """It is there."""

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""
