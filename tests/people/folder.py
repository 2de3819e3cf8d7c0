"""A person's folder: inputs that change, files that commands write, and what either was at any moment."""

import base64
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from jobs.manifest import Manifest

OUTPUTS = ("a.scores.csv", "b.scores.csv", "out.csv", "out.tsv", "sub/out.csv")
PRECIOUS = "precious.csv"  # where links lead: nobody may write to it
FIRST_MTIME = 1_700_000_000_000_000_000


class Entry(NamedTuple):
    """What stands under a name."""

    kind: str  # file, link, folder
    content: bytes


Snapshot = dict[str, Entry]


class Version(NamedTuple):
    content: bytes
    mtime_ns: int


def is_temporary(name: str) -> bool:
    """Whether a file of that name is one on its way: never one that people are told of."""
    return any(part.endswith(".partial") or (part[0] == "." and part.endswith(".retry")) for part in name.split("/"))


def parts_of(output: str) -> "tuple[str, str, str]":
    """Scores, rejects and receipt."""
    stem = output.rpartition(".")[0]
    return output, f"{stem}.rejects.csv", f"{stem}.receipt.json"


@dataclass
class Folder:
    path: Path
    versions: "dict[tuple[str, int, int], bytes]" = field(default_factory=dict)  # by path, size and time
    _by_time: "dict[tuple[str, int], bytes]" = field(default_factory=dict)
    _attic: "dict[str, Version]" = field(default_factory=dict)
    _writes: int = 0

    def __post_init__(self) -> None:
        self.path.mkdir(parents=True)
        (self.path / "sub").mkdir()
        (self.path / PRECIOUS).write_bytes(b"somebody's\n")

    # -- inputs

    def content(self, name: str) -> "bytes | None":
        try:
            return (self.path / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, content: bytes, mtime_ns: int = 0) -> None:
        """In place, as an editor does. Every version has a time of its own, unless an older one is put back."""
        self._writes += 1
        mtime_ns = mtime_ns or FIRST_MTIME + self._writes * 1_000_000_000
        path = self.path / name
        path.write_bytes(content)
        os.utime(path, ns=(mtime_ns, mtime_ns))
        self.versions[os.path.realpath(path), len(content), mtime_ns] = content
        self._by_time[os.path.realpath(path), mtime_ns] = content

    def delete(self, name: str) -> None:
        content = self.content(name)
        if content is not None:
            self._attic[name] = Version(content, (self.path / name).stat().st_mtime_ns)
            (self.path / name).unlink()

    def restore(self, name: str) -> None:
        if name in self._attic:
            self.write(name, *self._attic[name])

    def version_of(self, record: "dict[str, Any]") -> "bytes | tuple[bytes, ...] | None":
        """What a job's input had in it; None if it is none of this folder's."""
        if not record.get("files"):
            return self.versions.get((record["input"], record["size"], record["mtime_ns"]))
        found = [self._by_time.get(each) for each in self._members(record)]
        return None if None in found else tuple(each for each in found if each is not None)

    def is_as_it_was(self, record: "dict[str, Any]") -> bool:
        """Whether a job's input is there still."""
        if record.get("files"):
            return all(_look(path)[1:] == (mtime_ns,) for path, mtime_ns in self._members(record))
        return _look(record["input"]) == (record["size"], record["mtime_ns"])

    def _members(self, record: "dict[str, Any]") -> "list[tuple[str, int]]":
        """The paths and times of several files; a copy of what is packed has the time of the file."""
        manifest = Manifest.decode(base64.b64decode(record["files"]), record["version"])
        return [(os.path.realpath(self.path / each.name), each.mtime_ns) for each in manifest.members]

    # -- what commands write

    def damage(self, name: str, how: str) -> bool:
        """Does to that file what people and disks do; whether anything was changed."""
        path = self.path / name
        before = self._entry(path)
        content = before.content if before and before.kind == "file" else b""
        if how in ("edit", "cut", "extend", "empty") and not content:
            return False
        if how in ("link", "dangling", "directory", "delete", "copy"):
            self.clear(name)
        middle = len(content) // 2
        if how == "edit":
            path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        elif how == "cut":
            path.write_bytes(content[:middle])
        elif how == "extend":
            path.write_bytes(content + b"x\n")
        elif how == "empty":
            path.write_bytes(b"")
        elif how == "link":
            other = next((each for each in OUTPUTS if each != name and (self.path / each).is_file()), PRECIOUS)
            path.symlink_to(self.path / other)
        elif how == "dangling":
            path.symlink_to(self.path / "nowhere.csv")
        elif how == "directory":
            path.mkdir()
        elif how == "copy":
            other = next((each for each in OUTPUTS if each != name and (self.path / each).is_file()), PRECIOUS)
            shutil.copyfile(self.path / other, path)
        return self._entry(path) != before

    def clear(self, name: str) -> None:
        path = self.path / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def snapshot(self) -> Snapshot:
        """All with a final name."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            name = str(path.relative_to(self.path))
            if not is_temporary(name) and (entry := self._entry(path)):
                found[name] = entry
        return found

    def temporary(self) -> "list[str]":
        names = (str(path.relative_to(self.path)) for path in self.path.rglob("*"))
        return sorted(name for name in names if is_temporary(name))

    def _entry(self, path: Path) -> "Entry | None":
        if path.is_symlink():
            return Entry("link", os.readlink(path).encode())  # noqa: PTH115
        if path.is_dir():
            return Entry("folder", b"")
        try:
            return Entry("file", path.read_bytes())
        except FileNotFoundError:
            return None


def _look(path: str) -> "tuple[int, ...]":
    """Size and time; empty if it is gone."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns
