"""The receipt beside a scores file, `<its stem>.receipt.json`: by it the schedule knows what is done, whatever became
of the server, and people can read it. Written after the scores file, atomically."""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

FORMAT = 1
State = Literal["pending", "complete", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a scores file is made from: with another size, model or setting it would be another. Where the input lies
    is for people: a directory may be moved, and have another path on another host."""

    input: str = field(compare=False)
    size: int  # bytes
    mtime_ns: int
    model: str  # sha256
    settings: dict[str, Any]


@dataclass(slots=True)
class Note:
    """`pending` is a file of which nothing is known but that it is late."""

    state: State = "pending"
    subject: Subject | None = None
    tries: int = 0  # that failed, with this very subject
    error: str | None = None
    output: str | None = None
    output_bytes: int | None = None
    noted: str | None = None  # when, ISO 8601
    completed: str | None = None  # when this file first had scores, be it with another model
    late: str | None = None  # when it was reported late
    receipt: dict[str, Any] = field(default_factory=dict)  # the job's

    @classmethod
    def read(cls, path: Path) -> Self:
        """An empty note if there is none, or none that can be read."""
        try:
            content = json.loads(path.read_bytes())
            if content.pop("format") != FORMAT:
                return cls()
            names = {field.name for field in fields(cls)}
            note = cls(**{name: value for name, value in content.items() if name in names})
            if note.subject is not None:
                note.subject = Subject(**content["subject"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls()
        return note

    def write(self, path: Path) -> None:
        """Raises OSError."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False)
        temporary = path.with_name(f"{path.name}.partial")  # whoever is killed here leaves no more than one
        try:
            with temporary.open("w") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def done(self, subject: Subject, output: Path) -> bool:
        """Whether the scores file is there as it was written, and made from this."""
        return self.state == "complete" and self.subject == subject and size_of(output) == self.output_bytes


def size_of(path: Path) -> int:
    """In bytes; -1 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
