"""The folder of the copies: each appears whole, by a rename, with a small file beside it that says what it is.

Nobody but its owner may look into it, since messages are in it. Whoever writes a file holds a lock on it; one that is
half-written and without a lock is what a killed process left. A lock on the folder, for moments, keeps those apart who
find, publish and tidy.
"""

import contextlib
import fcntl
import json
import math
import os
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xxhash

from formats.errors import NightshiftError
from formats.files import safe

FOLDER = "unpacked"  # of the home
_ABOUT = ".json"
_PARTIAL = ".partial"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Copy:
    """A plain file, whole. Its modification time is its original's: made again, it is the same file."""

    path: Path
    size: int  # bytes
    mtime_ns: int
    digest: str  # of its bytes (XXH3-128, 32 hexadecimal digits)
    container: str  # of the original
    encoding: str  # of the original, where the copy has another; else empty
    packed_bytes: int  # that were read for it
    found: bool = False  # it was there already
    again: bool = False  # a killed process had begun it: it was made from the beginning


class Folder:
    """Makes it, if need be. Raises NightshiftError if it can't be, or is another's, or a link."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.reporting():
            safe.make_private_folder(path.parent)  # the home
            if path.is_symlink():
                raise NightshiftError(f"{path}: not a folder of ours, or a link: remove it")
            safe.make_private_folder(path)

    @contextlib.contextmanager
    def reporting(self) -> Iterator[None]:
        """Raises NightshiftError for what the disk says within the block."""
        try:
            yield
        except OSError as error:
            raise NightshiftError(f"{self.path}: {error.strerror or error}") from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Its handle."""
        with self.reporting():
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            with self.reporting():
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def find(self, name: str) -> Copy | None:
        """The copy of that name, whole and as it was made; it is used now."""
        with self.locked():
            copy = self._read(name)
            if copy:
                os.utime(self.path / f"{name}{_ABOUT}", follow_symlinks=False)
            return copy

    def _read(self, name: str) -> Copy | None:
        path = self.path / name
        try:
            with os.fdopen(os.open(f"{path}{_ABOUT}", os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                content = json.loads(file.read(1 << 16))
            copy = Copy(path=path, **content, found=True)
            status = path.lstat()
        except (OSError, ValueError, TypeError):
            return None
        same = (status.st_size, status.st_mtime_ns) == (copy.size, copy.mtime_ns)
        return copy if stat.S_ISREG(status.st_mode) and same else None

    def begin(self, name: str) -> "Partial":
        """A half-written file of that name. What killed processes left of it goes."""
        with self.locked(), self.reporting():
            left = [path for path in self.path.glob(f".{name}.*{_PARTIAL}") if _is_abandoned(path)]
            for path in left:
                path.unlink(missing_ok=True)
            return Partial(self, self.path / f".{name}.{secrets.token_hex(8)}{_PARTIAL}", again=bool(left))

    def tidy(self, keep_seconds: float) -> list[str]:
        """Removes copies that nobody has used for so long, and what killed processes left so long ago. The names of
        those that are gone."""
        before = time.time() - keep_seconds
        removed = []
        with self.locked(), self.reporting():
            for path in sorted(self.path.iterdir()):
                about = path.with_name(f"{path.name}{_ABOUT}")
                is_about = path.name.endswith(_ABOUT) and path.with_name(path.name.removesuffix(_ABOUT)).exists()
                if is_about or path.is_dir() or _used(path, about) >= before:
                    continue
                if path.name.endswith(_PARTIAL) and not _is_abandoned(path):
                    continue
                path.unlink(missing_ok=True)
                about.unlink(missing_ok=True)
                removed.append(path.name)
        return removed


def use(path: Path) -> None:
    """The copy at that path is used now. To be said once in a while, as long as somebody may open it; of another file
    it says nothing."""
    with contextlib.suppress(OSError):
        os.utime(f"{path}{_ABOUT}", follow_symlinks=False)


def _used(path: Path, about: Path) -> float:
    """When it was, in seconds: a copy's own modification time is its original's. Without end, if it is gone."""
    with contextlib.suppress(OSError):
        return about.lstat().st_mtime
    try:
        return path.lstat().st_ctime
    except OSError:
        return math.inf


def _is_abandoned(path: Path) -> bool:
    """Whether nobody writes it any more."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


class Partial:
    """A file that is being written. A context manager: what is not published is removed."""

    def __init__(self, folder: Folder, path: Path, again: bool) -> None:
        self._folder, self._path, self.again = folder, path, again
        self._handle = os.open(path, _NEW, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._digest = xxhash.xxh3_128()
        self.size = 0

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Raises NightshiftError."""
        self._digest.update(data)
        rest = memoryview(data)
        with self._folder.reporting():
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        self.size += len(data)

    def publish(self, name: str, mtime_ns: int, container: str, encoding: str, packed_bytes: int) -> Copy:
        """It is whole: it gets that name. Raises NightshiftError."""
        path, about = self._folder.path / name, self._folder.path / f"{name}{_ABOUT}"
        with self._folder.reporting():
            os.utime(self._path, ns=(mtime_ns, mtime_ns), follow_symlinks=False)
            os.fsync(self._handle)
            mtime_ns = os.fstat(self._handle).st_mtime_ns  # as exact as the disk has it
        content = {
            "size": self.size, "mtime_ns": mtime_ns, "digest": self.digest, "container": container,
            "encoding": encoding, "packed_bytes": packed_bytes,
        }  # fmt: skip
        with self._folder.locked() as folder, self._folder.reporting():
            partial = self._path.with_name(f"{self._path.name.removesuffix(_PARTIAL)}{_ABOUT}{_PARTIAL}")
            with os.fdopen(os.open(partial, _NEW, 0o600), "wb") as file:
                file.write(json.dumps(content).encode())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(about)
            self._path.replace(path)
            os.fsync(folder)
        return Copy(path, self.size, mtime_ns, self.digest, container, encoding, packed_bytes, again=self.again)

    def __enter__(self) -> "Partial":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        os.close(self._handle)
