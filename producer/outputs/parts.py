"""A scores file as parts: each a CSV file of its own, with the header, of some batches. A reader waits for `_SUCCESS`,
and may read them side by side; the receipt is their manifest."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote

from formats.errors import InputError, NightshiftError
from formats.files.directory import directory, half_written
from formats.files.location import Location, locate
from formats.files.mirror import make_room
from jobs.proof import Written
from producer.outputs.document import document_batches, read_document, write_document
from producer.outputs.files import CHUNK_BYTES, alone
from producer.outputs.paths import receipt_path, rejects_path
from producer.outputs.receipt import Receipt
from producer.outputs.wanted import Folder

PART_BYTES = 128 << 20  # of a part, or of one batch
HOME = "parts"  # the folder of the home in which outputs are made that become parts
SCORES, REJECTS, RECEIPT, SUCCESS = "scores.csv", "rejects.csv", "receipt.json", "_SUCCESS"


class Part(NamedTuple):
    """Consecutive batches of the scores file; `offset` and `size` are its bytes there, the header excluded."""

    name: str
    offset: int
    size: int
    scored: int


def cut(header: int, sizes: Iterator[tuple[int, int]]) -> list[Part]:
    """Parts of about PART_BYTES of batches, given as bytes and scored records of each."""
    parts: list[Part] = []
    offset = begin = header
    scored = 0
    for size, records in sizes:
        if offset > begin and offset + size - begin > PART_BYTES:
            parts.append(Part(f"part-{len(parts):05}.csv", begin, offset - begin, scored))
            begin, scored = offset, 0
        offset, scored = offset + size, scored + records
    return [*parts, Part(f"part-{len(parts):05}.csv", begin, offset - begin, scored)]


@dataclass(frozen=True, slots=True)
class PartsOutput:
    """Where the parts go, and where the scores file is made that they are cut from, and stays."""

    folder: Folder
    path: Path

    @classmethod
    def of(cls, folder: Folder, home: Path) -> Self:
        """Raises InputError if there is no room for it on the disk."""
        path = home.resolve() / HOME / quote(str(folder.place), safe="") / SCORES
        make_room(path)
        return cls(folder, path)

    @classmethod
    def at(cls, path: Path, home: Path) -> Self | None:
        """The one that is made at that path; None for another file."""
        if path.parent.parent != home.resolve() / HOME:
            return None
        return cls(Folder(locate(unquote(path.parent.name))), path)

    def told(self, receipt: Receipt) -> Receipt:
        """The folder, and the rejects in it."""
        return replace(receipt, output=str(self.folder), rejects=f"{self.folder}{REJECTS}")

    def publish(self) -> None:
        """The scores last but for `_SUCCESS`. Raises NightshiftError, OSError."""
        with alone(self.path):
            self._publish()

    def _publish(self) -> None:
        document = read_document(receipt_path(self.path))
        if document is None:
            raise NightshiftError(f"{receipt_path(self.path)} is not there: the same command writes it again")
        header = Written.decode(document["proof"]["header"]).scores.size
        parts = cut(header, ((batch.scores_bytes, batch.scored) for batch in document_batches(document)))
        document["receipt"] |= {"output": str(self.folder), "rejects": f"{self.folder}{REJECTS}"}
        document["parts"] = [part._asdict() for part in parts]
        write_document(receipt_path(self.path), document, "parts")
        there = directory(self.folder.place)
        there.remove(SUCCESS)
        for name in set(there.names()) - {part.name for part in parts}:
            if _is_part(name) or _is_half(name):
                there.remove(name)
        with self.path.open("rb") as scores:
            head = scores.read(header)
            for part in parts:
                scores.seek(part.offset)
                there.write(part.name, head, scores, part.size)
        for source, name in ((rejects_path(self.path), REJECTS), (receipt_path(self.path), RECEIPT)):
            with source.open("rb") as file:
                there.write(name, b"", file, source.stat().st_size)
        there.write(SUCCESS, b"", None, 0)


@contextlib.contextmanager
def joined(folder: Folder) -> Iterator[Path]:
    """The scores file that the parts are of, on a disk for a while, with its rejects and its receipt. Raises InputError
    if they are not whole."""
    there = directory(folder.place)
    with tempfile.TemporaryDirectory(prefix="nightshift-") as name:
        path = Path(name) / SCORES
        if SUCCESS not in there.names():
            raise InputError(f"{folder} has no {SUCCESS}: its parts are not whole")
        for source, target in ((RECEIPT, receipt_path(path)), (REJECTS, rejects_path(path))):
            with there.open(source) as file, target.open("wb") as out:
                shutil.copyfileobj(file, out, CHUNK_BYTES)
        document: dict[str, Any] = read_document(receipt_path(path)) or {}
        try:
            sizes = {str(part["name"]): int(part["size"]) for part in document["parts"]}
            header = Written.decode(document["proof"]["header"]).scores.size
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(f"{folder}{RECEIPT} is damaged, or no receipt of parts") from None
        if not all(map(_is_part, sizes)):
            raise InputError(f"{folder}{RECEIPT} names a part that is none")
        others = set(filter(_is_part, there.names())) - set(sizes)
        if others:
            raise InputError(f"{folder} has {min(others)}, which is no part of the job's")
        first = None
        with path.open("wb") as out:
            for part, size in sizes.items():
                with there.open(part) as file:
                    head = file.read(header)
                    if first is None:
                        first = head
                        out.write(head)
                    before = out.tell()
                    shutil.copyfileobj(file, out, CHUNK_BYTES)
                if head != first or out.tell() - before != size:
                    raise InputError(f"{folder}{part} is not as it was written: another header, or another size")
        yield path


def check_folder(folder: Folder, inputs: Iterable[Location]) -> Folder:
    """The folder, resolved. Raises InputError unless nothing is there, or parts that were published before."""
    place = folder.place.resolve()
    if any(place in _folders_of(file) for file in inputs):
        raise InputError(f"{folder} has the input in it: name another --output")
    if isinstance(place, Path):
        there = next(each for each in (place, *place.parents) if each.exists() or each.is_symlink())
        if not there.is_dir():
            raise InputError(f"{there} is no directory")
    others = sorted(name for name in directory(place).names() if not _ours(name))
    if others:
        raise InputError(f"{folder} has {others[0]} in it, which is no part of scores: name another --output")
    return Folder(place)


def _folders_of(file: Location) -> list[Location]:
    """Where its name is, and where it is itself."""
    if isinstance(file, Path):
        return [file.parent.resolve(), file.resolve().parent]
    return [file.parent]


def _ours(name: str) -> bool:
    return name in (SUCCESS, RECEIPT, REJECTS) or _is_part(name) or _is_half(name)


def _is_part(name: str) -> bool:
    return re.fullmatch(r"part-\d{5,}\.csv", name) is not None


def _is_half(name: str) -> bool:
    """Left by a process that was killed."""
    whole = name.removeprefix(".").removesuffix(".partial")
    return name == half_written(whole) and (whole in (SUCCESS, RECEIPT, REJECTS) or _is_part(whole))
