"""What processes of our own do without, to start fast and stay small."""

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder

KEPT_BLOCK_BYTES = 32 << 20  # the most that glibc takes
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("this process does without pandas", name=name)


def without_pandas() -> None:
    """pyarrow imports pandas where it is installed, at the first array it makes, in case that is a data frame: half a
    second and 30 MB. Commands and workers have none. (Whoever uses the Python API may, so it does not call this.)"""
    sys.meta_path.insert(0, _WithoutPandas())


def keep_freed_memory() -> None:
    """glibc gives large blocks back to the kernel as they are freed, and the next one's pages fault in again, one by
    one: for batches of megabytes, a fifth of the producer's time. Has no effect elsewhere."""
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, KEPT_BLOCK_BYTES)


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """For imports: what they make is there to stay, and to look through it for garbage, again and again or once behind
    them, takes a fifth of the time that TensorFlow needs to be imported."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        freeze_what_is_there()
        gc.enable()


def freeze_what_is_there() -> None:
    """What was imported so far stays for good: the garbage collector need not go through it again and again, and in
    children forked from now on its pages stay shared with their parent."""
    gc.freeze()
