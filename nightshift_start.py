"""Starts the commands, unless somebody else's module stands where one of ours should.

Our packages have plain names, and PYTHONPATH and the directory in which Celery starts come before the place where they
are installed: a folder `jobs` or `model` of the user's own would be run instead of ours. This module has a name that
nobody else has, and imports nothing of ours before it has looked.
"""

import importlib.util
import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

INTERRUPTED = 4  # the exit code, as the commands have it
HOME = Path(__file__).resolve().parent
_WHOLE = ("__del__", "head_start")  # functions
_LOOK_AGAIN = 0.01  # seconds, until an interrupt would not be lost


def in_the_way(*names: str) -> str | None:
    """A line on the first of our packages `names` in whose place Python finds another; None if it finds them all."""
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parent != HOME / name:
            found = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), None))
            what = f"the module {name!r} at {found} is in the way of" if found else "there is no trace of"
            return f"{what} Nightshift's own, {HOME / name}: rename it, or take its folder off Python's path"
    return None


def _interrupt(_: int, frame: FrameType | None) -> None:
    """Ctrl-C and SIGTERM, but behind the end of an import or a finalizer that is under way. Finalizers swallow what is
    raised in them; in an import it may become another error (extension modules take it for a failure of their own), or
    leave a module locked for good. What a command starts ahead of its job is known to nobody until that is done."""
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if file.startswith("<frozen importlib") or file.endswith("weakref.py") or name in _WHOLE:
            signal.setitimer(signal.ITIMER_REAL, _LOOK_AGAIN)
            return
        frame = frame.f_back
    raise KeyboardInterrupt


@contextmanager
def _interruptible() -> Iterator[None]:
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell has it for what it runs in the background
            signal.signal(number, _interrupt)
    signal.signal(signal.SIGALRM, _interrupt)  # the timer's
    try:
        yield
    finally:  # what it said is said: what Python still has to put away takes no interrupt
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin(command: str, *names: str) -> None:
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal can't show is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if line := in_the_way(*names):
        sys.exit(f"{command}: {line}")


def _interrupted(command: str) -> NoReturn:
    """Before it has begun."""
    sys.stderr.write(f"{command}: interrupted\n")
    sys.exit(INTERRUPTED)


def producer() -> None:
    """The `producer` command."""
    with _interruptible():
        try:
            _begin("producer", "producer", "jobs", "formats", "graphs")
            from producer.cli import run
        except KeyboardInterrupt:
            _interrupted("producer")
        run()


def model() -> None:
    """The `model` command."""
    with _interruptible():
        try:
            _begin("model", "model", "formats", "graphs")
            from model.cli import main
        except KeyboardInterrupt:
            _interrupted("model")
        main()
