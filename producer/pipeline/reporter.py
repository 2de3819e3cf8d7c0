"""Who is told how far a job is, while it is followed."""

from types import TracebackType
from typing import Protocol, Self

from jobs.progress import Progress


class Reporter(Protocol):
    """Is told of the job's progress, some times a second. What a user must know, however quiet the command, is a
    warning."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def update(self, progress: Progress) -> None: ...
    def say(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
