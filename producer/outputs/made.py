"""Where a scores file is made: where it is wanted, or in the home, from where it is published when it is whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from formats.errors import NightshiftError
from formats.files.location import Location, Url
from producer.outputs.parts import PartsOutput, check_folder
from producer.outputs.paths import check_local, check_stored
from producer.outputs.receipt import Receipt
from producer.outputs.stored import StoredOutput
from producer.outputs.wanted import Folder, Output


class Made(Protocol):
    @property
    def path(self) -> Path:
        """Where the scores file is made, with its rejects and its receipt beside it."""

    def publish(self) -> None:
        """Puts what is there where it is wanted, in the place of what was published before. Raises NightshiftError,
        OSError."""

    def told(self, receipt: Receipt) -> Receipt:
        """The job's receipt, which names what was published."""


@dataclass(frozen=True, slots=True)
class InPlace:
    """A file that is made where it is wanted."""

    path: Path

    def publish(self) -> None:
        """It is there."""

    def told(self, receipt: Receipt) -> Receipt:
        return receipt


def check_output(output: Output, inputs: Iterable[Location]) -> Output:
    """The same, absolute. Raises InputError if it can't be written, or would take the place of one of `inputs`."""
    if isinstance(output, Folder):
        return check_folder(output, inputs)
    return check_stored(output, inputs) if isinstance(output, Url) else check_local(output, inputs)


def made_for(output: Output, home: Path) -> Made:
    """Raises InputError if there is no room for it in the home."""
    if isinstance(output, Folder):
        return PartsOutput.of(output, home)
    return StoredOutput.of(output, home) if isinstance(output, Url) else InPlace(output)


def publish(made: Made) -> None:
    """Raises NightshiftError, in one line."""
    try:
        made.publish()
    except OSError as error:
        raise NightshiftError(f"{error.filename or made.path}: {error.strerror}") from error


def made_at(path: Path, home: Path) -> Made:
    """What is made at that path."""
    return StoredOutput.at(path, home) or PartsOutput.at(path, home) or InPlace(path)
