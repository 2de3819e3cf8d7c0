"""Files and folders of ours, in places where others may write too.

Who may write beside a file of ours can put something under the name that we are about to use: a link or a second name
of a file that is not meant, a pipe that nobody reads, a file or a folder of their own. So what is new is made
exclusively, what is written on is a regular file of ours with one name, and what is replaced is ours. No link is
followed. What stands in the way is left alone, and is an OSError, whose `filename` and `strerror` say what it is.
"""

# The keeper of the embedded server imports this, and pathlib costs a tenth of its start.
# ruff: noqa: PTH100, PTH101, PTH102, PTH105, PTH108, PTH115, PTH116, PTH118, PTH120

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o600  # of state and logs; what others may read has 0666, less the umask
PRIVATE_FOLDER = 0o700
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would wait for somebody


def token() -> str:
    """For a name that nobody can foresee."""
    return os.urandom(8).hex()


def create(path: "str | Path", mode: int = 0o666, buffering: int = -1) -> BinaryIO:
    """A new file, open to be read and written. Raises FileExistsError if anything is there."""
    return os.fdopen(os.open(path, _NEW, mode), "r+b", buffering)


def reopen(path: "str | Path") -> BinaryIO:
    """A file of ours that is there, open to be read and written. Raises FileNotFoundError, or OSError if it is not a
    regular file of this user's with one name."""
    try:
        handle = os.open(path, _OLD)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refused(path, "it is a link, and is not followed: remove it") from None
        raise
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(path, "it is no regular file, and is left alone: remove it")
        if status.st_nlink > 1:
            raise _refused(path, "it has another name too, and is left alone: remove it")
        _check_owner(path, status, _folder_of(path))
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "r+b")  # whatever becomes of the file closes it from now on


def open_or_create(path: "str | Path", mode: int = 0o666) -> BinaryIO:
    """One of the two. A private file that others could read is theirs no more. Raises OSError."""
    while True:
        try:
            file = reopen(path)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                return create(path, mode)
        else:
            if mode == PRIVATE and os.fstat(file.fileno()).st_mode & 0o077:
                os.fchmod(file.fileno(), mode)
            return file


def check_replaceable(path: "str | Path") -> None:
    """Raises OSError unless nothing is there, or a file or link of this user's, which may be replaced."""
    with contextlib.suppress(FileNotFoundError):
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode) and os.fspath(os.readlink(path)).startswith("/proc/"):
            raise _refused(path, "it is a handle of a process, and is left alone")
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            raise _refused(path, "it is no regular file, and is left alone")
        _check_owner(path, status, _folder_of(path))


@contextlib.contextmanager
def replacing(path: "str | Path", mode: int = 0o666) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when the block has ended well: there it is whole, or as it was. Raises
    OSError."""
    check_replaceable(path)
    partial = os.path.join(_folder_of(path), f".{token()}.partial")
    try:
        with create(partial, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)


def make_private_folder(path: "str | Path") -> None:
    """For state: for this user alone, and so is what had to be made above it. Raises OSError if it is another's, or
    behind another's link."""
    missing = [os.path.abspath(path)]
    while not os.path.lexists(os.path.dirname(missing[-1])):
        missing.append(os.path.dirname(missing[-1]))
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(each, PRIVATE_FOLDER)
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        if status.st_uid != 0:
            _check_owner(path, status, _folder_of(path))
        status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise _refused(path, "it is no folder")
    _check_owner(path, status, path)
    if status.st_mode & 0o077:
        os.chmod(path, PRIVATE_FOLDER)


def check_folder(path: "str | Path") -> None:
    """Raises OSError unless the folder is this user's or root's: whoever owns it may change all that is in it."""
    status = os.stat(path)
    if status.st_uid != 0:
        _check_owner(path, status, path)


def is_ours(path: "str | Path") -> bool:
    """Whether it is there, and is this user's; of a link, the link itself."""
    try:
        _check_owner(path, os.lstat(path), _folder_of(path))
    except OSError:
        return False
    return True


def _check_owner(path: "str | Path", status: os.stat_result, folder: "str | Path") -> None:
    """Raises OSError for another user's."""
    if status.st_uid != os.geteuid() and status.st_uid != _our_name_in(folder):
        raise _refused(path, f"it is another user's (number {status.st_uid}), and is left alone: remove it")


def _our_name_in(folder: "str | Path") -> int | None:
    """Who owns what this process makes there: some network file systems have another name for us."""
    probe = os.path.join(folder, f".{token()}.partial")
    try:
        with create(probe, PRIVATE) as file:
            os.unlink(probe)
            return os.fstat(file.fileno()).st_uid
    except OSError:
        return None


def _folder_of(path: "str | Path") -> str:
    return os.path.dirname(path) or "."


def _refused(path: "str | Path", why: str) -> OSError:
    return PermissionError(errno.EPERM, why, os.fspath(path))
