"""What the schedule notes in the receipt beside a scores file, under `nightly`: by it the schedule knows what is done,
whatever became of the server, and people can read it. The rest of the receipt proves the scores, and stays as it is."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from jobs.errors import NewerFormatError
from producer.outputs.document import FORMAT, document_ranges, read_document, write_document
from producer.outputs.paths import rejects_path
from producer.outputs.proof import is_whole

NoteState = Literal["pending", "complete", "failed", "cancelled", "stopped", "newer"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a scores file is made from: with another size, model or setting it would be another. Where the input lies
    is for people: a directory may be moved, and have another path on another host."""

    input: str = field(compare=False)
    size: int  # bytes
    mtime_ns: int
    model: str  # sha256
    settings: dict[str, Any]
    files: dict[str, list[int]] = field(default_factory=dict)  # of several: name -> size and mtime_ns

    def covers(self, other: "Subject") -> bool:
        """Whether what was made from this is what would be made from the other: of several files some may be gone."""
        if not self.files or not other.files:
            return self == other
        alike = (self.model, self.settings) == (other.model, other.settings)
        return alike and other.files.items() <= self.files.items()


@dataclass(slots=True)
class Note:
    """`pending` is a file of which nothing is known but that it is late, or that somebody scored it by hand; `newer`
    one whose receipt a newer version wrote: it is left alone, and `error` says so."""

    state: NoteState = "pending"
    subject: Subject | None = None
    tries: int = 0  # that failed, with this very subject
    error: str | None = None
    noted: str | None = None  # when, ISO 8601
    completed: str | None = None  # when this file first had scores, be it with another model
    late: str | None = None  # when it was reported late
    limit: str | None = None  # of a job that was stopped: --max-rejects as it was then
    document: dict[str, Any] = field(default_factory=dict)  # the receipt but for this note; empty without a job's

    @classmethod
    def read(cls, path: Path) -> Self:
        """An empty note if there is none, or none that can be read."""
        try:
            document = read_document(path)
        except NewerFormatError as error:
            return cls(state="newer", error=str(error))
        if document is None:
            return cls()
        first = document.get("format") == 1  # it was a note alone, and had the job's receipt in it
        content = document if first else document.get("nightly")
        names = {field.name for field in fields(cls)} - {"document"}
        note = cls()
        try:
            if content is not None:
                note = cls(**{name: value for name, value in content.items() if name in names})
                if note.subject is not None:
                    note.subject = Subject(**content["subject"])
        except (TypeError, KeyError, AttributeError):
            return cls()
        if first or "proof" in document:
            note.document = {name: value for name, value in document.items() if name != "nightly"}
        return note

    @property
    def receipt(self) -> dict[str, Any]:
        """The job's counts; empty if there is no job's receipt."""
        receipt = self.document.get("receipt")
        return receipt if isinstance(receipt, dict) else {}

    @property
    def output(self) -> str | None:
        """The name of the scores file that the receipt is of."""
        if self.document.get("format") == 1:
            output = self.document.get("output")
            return Path(output).name if output else None
        name = self.document.get("files", {}).get("scores", {}).get("name")
        return name if isinstance(name, str) else None

    def write(self, path: Path) -> None:
        """Raises OSError."""
        if self.state == "newer":
            return
        content = {name: value for name, value in asdict(self).items() if name != "document"}
        if self.subject is not None and not self.subject.files:
            del content["subject"]["files"]  # as versions before have it, which know no such
        proven = self.document if self.document.get("format") == FORMAT else {"format": FORMAT, "state": self.state}
        write_document(path, {**proven, "nightly": content}, "nightly")

    def done(self, subject: Subject, output: Path) -> bool:
        """Whether the scores file is there as it was written, and made from this."""
        return (
            self.state == "complete"
            and self.subject is not None
            and self.subject.covers(subject)
            and self.is_whole(output)
        )

    def is_whole(self, output: Path) -> bool:
        """Whether scores and rejects are there as the receipt has them."""
        if self.document.get("format") == 1:  # it knew no more than the size
            return size_of(output) == self.document.get("output_bytes")
        seal = self.document.get("seal")
        look = _look(output), _look(rejects_path(output))
        if not isinstance(seal, str) or None in look:
            return False
        if _known.get(output) != (seal, look):
            ranges = document_ranges(self.document)
            if ranges is None or not is_whole(output, ranges):
                return False
            _known[output] = seal, look
        return True


_known: dict[Path, tuple[str, object]] = {}  # files that were read and found whole, and what they looked like


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def size_of(path: Path) -> int:
    """In bytes; -1 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
