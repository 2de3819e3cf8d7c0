"""How far a file is unpacked, or read from a pipe, on stderr: a bar on a terminal, a line now and then elsewhere. Of a
pipe into which nobody writes it is said that somebody is waited for."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TextColumn

from formats.harmless import shown
from jobs import logs
from producer.display.reporters import LINE_SECONDS, print_error
from producer.display.terminal import Terminal

log = logging.getLogger(__name__)

PIPE_SECONDS = 3.0  # without a byte, before it is said what is waited for


class Unpacking:
    """A context manager; it is told of packed bytes, and of how many if that is known, and tells `others`. Nothing is
    shown of what takes a moment, nor if it is `quiet`. `pipe` names what somebody has to write into."""

    def __init__(
        self, name: str, quiet: bool, others: Callable[[int, int | None], object], pipe: object = None
    ) -> None:
        self._name, self._quiet, self._others = name, quiet, others
        self._due = time.monotonic() + LINE_SECONDS
        self._bar: Progress | None = None
        self._patience = threading.Timer(PIPE_SECONDS, _say_what_is_waited_for, [pipe]) if pipe else None
        console = Terminal(stderr=True)
        if console.is_terminal and not quiet and not logs.as_json():
            self._bar = Progress(
                TextColumn("{task.description}", markup=False), BarColumn(),
                TextColumn("{task.fields[detail]}", markup=False), console=console, transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task(f"reading {shown(name)}", total=None, detail="")

    def __enter__(self) -> Self:
        if self._patience:
            self._patience.daemon = True
            self._patience.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._patience:
            self._patience.cancel()
        if self._bar:
            self._bar.stop()

    def __call__(self, done: int, total: int | None) -> None:
        if self._patience:
            self._patience.cancel()
        self._others(done, total)
        far = decimal(done) + (f" of {decimal(total)}" if total else "")
        if self._bar:
            self._bar.start()
            self._bar.update(self._task, total=total, completed=done, detail=far)
        elif not self._quiet and time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_SECONDS
            print_error(f"{self._name} is read: {far}")


def _say_what_is_waited_for(pipe: object) -> None:
    text = f"waiting for somebody to write into {pipe}; Ctrl-C ends it"
    log.warning("%s", text) if logs.as_json() else print_error(f"producer: {text}")
