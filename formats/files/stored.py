"""An object in object storage, read in windows that are fetched ahead."""

from concurrent.futures import Future, ThreadPoolExecutor

from formats.errors import ChangedError, InputError
from formats.files.location import Url
from formats.files.storage import filesystem, reporting

WINDOW_BYTES = 8 << 20  # of one request: a round trip of 30 ms costs less than the transfer
AHEAD = 3  # windows on their way while one is read
# What Amazon tells a version by, and what Google does: that of a version that is kept, else a digest of the content.
VERSIONS = "VersionId", "ETag", "md5Hash", "generation"
KEPT = AHEAD + 2  # windows in memory


class StoredObject:
    """Opened: one version of the object, by its version's id, or else by its ETag.

    A request can't name the version: what is read while another is stored may be of that one, or, where it is shorter,
    be nothing at all. `unchanged` tells afterwards, and a range has its digest.
    """

    mtime_ns = 0

    def __init__(self, url: Url) -> None:
        self.location = url
        self._storage = filesystem(url)
        with reporting(url):
            self._object = self._storage.open_input_file(url.path)
            self.size: int = self._object.size()
            self.version = _version(self._object.metadata())
        self._windows: dict[int, Future[bytes]] = {}
        self._fetchers = ThreadPoolExecutor(AHEAD, thread_name_prefix="object")

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            number, begin = divmod(offset, WINDOW_BYTES)
            window = self._window(number)
            stop = min(end - offset + begin, len(window))
            parts.append(memoryview(window)[begin:stop])
            offset += stop - begin
        return b"".join(parts)

    def will_read(self, offset: int) -> None:
        first = offset // WINDOW_BYTES
        for number in range(first, first + AHEAD + 1):
            if number * WINDOW_BYTES < self.size:
                self._ask(number)

    def unchanged(self) -> bool:
        """Raises InputError if the storage does not say."""
        try:
            with reporting(self.location), self._storage.open_input_file(self.location.path) as now:
                return (now.size(), _version(now.metadata())) == (self.size, self.version)
        except InputError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return False
            raise

    def close(self) -> None:
        self._fetchers.shutdown(wait=True, cancel_futures=True)
        self._object.close()

    def _ask(self, number: int) -> "Future[bytes]":
        found = self._windows.pop(number, None) or self._fetchers.submit(self._fetch, number)
        self._windows[number] = found  # the last one now
        while len(self._windows) > KEPT:
            self._windows.pop(next(iter(self._windows))).cancel()
        return found

    def _window(self, number: int) -> bytes:
        try:
            return self._ask(number).result()
        except InputError:
            self._windows.pop(number, None)  # to be asked for again
            if not self.unchanged():
                raise ChangedError(f"{self.location}: the object changed while it was being read") from None
            raise

    def _fetch(self, number: int) -> bytes:
        begin = number * WINDOW_BYTES
        wanted = min(WINDOW_BYTES, self.size - begin)
        with reporting(self.location):
            return bytes(self._object.read_at(wanted, begin))


def _version(metadata: dict[str, bytes]) -> str:
    """By which one content of the object is told from another."""
    told = (metadata.get(name, b"").decode().strip('"') for name in VERSIONS)
    return next(version for version in told if version not in ("", "null"))
