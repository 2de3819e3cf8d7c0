"""How far a file is unpacked, or read from a pipe, on stderr: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TextColumn

from jobs import logs
from producer.display.reporters import LINE_SECONDS, print_error


class Unpacking:
    """A context manager; it is told of packed bytes, and of how many if that is known, and tells `others`. Nothing is
    shown of what takes a moment, nor if it is `quiet`."""

    def __init__(self, name: str, quiet: bool, others: Callable[[int, int | None], object]) -> None:
        self._name, self._quiet, self._others = name, quiet, others
        self._due = time.monotonic() + LINE_SECONDS
        self._bar: Progress | None = None
        console = Console(stderr=True)
        if console.is_terminal and not quiet and not logs.as_json():
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"),
                console=console, transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task(f"reading {name}", total=None, detail="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, done: int, total: int | None) -> None:
        self._others(done, total)
        far = decimal(done) + (f" of {decimal(total)}" if total else "")
        if self._bar:
            self._bar.start()
            self._bar.update(self._task, total=total, completed=done, detail=far)
        elif not self._quiet and time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_SECONDS
            print_error(f"{self._name} is read: {far}")
