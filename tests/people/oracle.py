"""What is right: the files that the same command writes in an empty folder, with an empty server."""

import json
import shutil
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.people.town import Town

BROKEN = {"bad_quoting", "unclosed_quote", "stray_cr", "too_few_fields", "too_many_fields"}  # no model mends these
READERS = BROKEN | {"record_too_large"}
SEVERAL = ("a.csv", "b.csv")  # what people name together
STOPPED = " stopped: "  # with exit code 3: more rejects than --max-rejects, seen before the job was at its end
DEFAULT_BATCH = 256 << 10  # of small files
RECEIPT_OWN = ("job", "incarnation", "input", "output", "rejects", "attempts", "redelivered", "duplicates", "created",
               "seconds", "scoring_seconds", "by_reference")  # fmt: skip
RECORD_OWN = ("input", "mtime_ns", "again", "created", "incarnation", "by_reference", "format", "version", "files")
Content = bytes | tuple[bytes, ...]  # of an input; of several files as one, each one's


class Files(NamedTuple):
    """The content of a job's two files."""

    scores: bytes
    rejects: bytes


class Options(NamedTuple):
    """Of `producer enqueue`, those that change what it writes or how it ends."""

    model: str = ""
    keep: str = ""
    id: str = ""
    feed: str = ""  # the column that feeds the placeholder `text`, if it is not the one of that name
    batch: int = 0
    most: str = ""  # --max-rejects
    limit: int = 0
    errors: bool = False
    threshold: str = ""
    delimiter: str = ""  # --delimiter, where it can't be found out


@dataclass(frozen=True)
class Clean:
    """An undisturbed command's end."""

    code: int
    err: str
    files: "Files | None"
    receipt: "dict[str, Any] | None"


@dataclass
class Oracle:
    town: Town
    _known: "dict[tuple[Content, Options], Clean]" = field(default_factory=dict)

    def clean(self, content: "Content | None", options: Options) -> Clean:
        key = content or b"", options if content is not None else Options()
        if content is None:
            return Clean(1, "", None, None)
        if key not in self._known:
            self._known[key] = self._run(content, options)
        return self._known[key]

    def _run(self, content: Content, options: Options) -> Clean:
        world, folder = self.town.clean, self.town.folder / "empty"
        folder.mkdir()
        files = {"a.csv": content} if isinstance(content, bytes) else dict(zip(SEVERAL, content, strict=True))
        for name, data in files.items():
            (folder / name).write_bytes(data)
        output = ("--wait",) if isinstance(content, bytes) else ("--output", "a.scores.csv")
        words = ("enqueue", *files, *output, *option_words(self.town, options))
        run = world.finish(world.start(words, folder, world.environment()))
        scores, rejects, receipt = (folder / f"a.scores.{end}" for end in ("csv", "rejects.csv", "receipt.json"))
        made = Files(scores.read_bytes(), rejects.read_bytes()) if scores.exists() else None
        document = json.loads(receipt.read_bytes()) if receipt.exists() else None
        assert "Traceback" not in run.err, run.err
        assert run.code not in (0, 3) or made is not None or STOPPED in run.err, run.err
        shutil.rmtree(folder)
        world.forget_all()
        return Clean(run.code, run.err, made, document)

    def layered(self, content: Content, options: Options, models: "tuple[str, ...]") -> "Files | None":
        """What is in the files after `producer retry` with each of the models, in turn; None if one fails."""
        files = self.clean(content, options._replace(most="")).files
        for model in models:
            other = self.clean(content, options._replace(model=model, batch=0, most="")).files
            if files is None or other is None:
                return None
            merged = merge(files, other, options.errors)
            if len(rejected(merged.rejects)) < len(rejected(files.rejects)):  # else a retry leaves them as they are
                files = merged
        return files

    def receipt(self, content: Content, options: Options, batch: int) -> "dict[str, Any] | None":
        """Without what may differ from run to run, of a job of that batch size."""
        clean = self.clean(content, options._replace(batch=0 if batch == DEFAULT_BATCH else batch, most=""))
        return comparable(clean.receipt) if clean.receipt else None


def option_words(town: Town, options: Options) -> "list[str]":
    words = []
    if options.model:
        words += ["--model", str(town.models[options.model])]
    said = {"keep": options.keep, "id": options.id, "batch-bytes": options.batch, "limit": options.limit,
            "delimiter": options.delimiter}  # fmt: skip
    words += ["--errors"] if options.errors else []
    words += ["--threshold", options.threshold] if options.threshold else []
    for name, value in said.items():
        if value:
            words += [f"--{name}", str(value)]
    if options.feed:
        words += ["--feed", f"text={options.feed}"]
    if options.most:
        words += ["--max-rejects", options.most]
    return words


def comparable(document: "dict[str, Any]") -> "dict[str, Any]":
    """A receipt without times, names, lives and attempts."""
    whole = {name: value for name, value in document.items() if name not in ("job", "incarnation", "seal", "nightly")}
    whole["receipt"] = {name: value for name, value in whole["receipt"].items() if name not in RECEIPT_OWN}
    whole["record"] = {name: value for name, value in whole["record"].items() if name not in RECORD_OWN}
    whole["files"] = {name: (file["bytes"], file["digest"]) for name, file in whole["files"].items()}
    sent = whole["proof"]["fields"].index("sent")
    batches = [[*batch[:sent], *batch[sent + 1 :]] for batch in whole["proof"]["batches"]]
    whole["proof"] = {**whole["proof"], "batches": batches}
    return whole


def split_rows(content: bytes) -> "list[bytes]":
    """The rows of a file that a job wrote, its header first."""
    rows, begun = [], b""
    for line in content.split(b"\n")[:-1]:
        begun += line + b"\n"
        if begun.count(b'"') % 2 == 0:
            rows.append(begun)
            begun = b""
    return rows


def rejected(rejects: bytes) -> "dict[int, bytes]":
    """The rows of a rejects file by record."""
    return {int(row.partition(b",")[0]): row for row in split_rows(rejects)[1:]}


def code_of(row: bytes) -> str:
    return row.split(b",")[2].decode()


def merge(files: Files, other: Files, errors: bool = False) -> Files:
    """The other's rows where these files have rejects that another model may score. With `errors` the scores have a row
    of each record."""
    header, *rows = split_rows(files.scores)
    _, *others = split_rows(other.scores)
    mine, its = rejected(files.rejects), rejected(other.rejects)
    scores, rejects = [header], [split_rows(files.rejects)[0]]
    left, right = iter(rows), iter(others)
    for record in range(1, len(rows) + (0 if errors else len(mine)) + 1):
        if errors:
            better = record in mine and code_of(mine[record]) not in BROKEN
            scores.append((others if better else rows)[record - 1])
        here = None if record in mine else b"" if errors else next(left)
        there = None if record in its else b"" if errors else next(right)
        if errors and (here is not None or (there is not None and code_of(mine[record]) not in BROKEN)):
            continue
        if here is not None:
            scores.append(here)
        elif there is not None and code_of(mine[record]) not in BROKEN:
            scores.append(there)
        else:
            rejects.append(its[record] if code_of(mine[record]) not in BROKEN else mine[record])
    return Files(b"".join(scores), b"".join(rejects))


def without_raw(files: Files) -> Files:
    """As a collector writes them that has no input: of a worker's reject it knows neither the place nor the text."""
    title, *rows = split_rows(files.rejects)
    found = [title]
    for row in rows:
        if code_of(row) not in READERS:
            record, _, code, rest = row.split(b",", 3)
            column = row.rpartition(b",")[2]  # with the end of its line
            row = b",".join([record, b"", code, _detail(rest), b"", b"", column])
        found.append(row)
    return Files(files.scores, b"".join(found))


def _detail(rest: bytes) -> bytes:
    """Of `detail,raw`, the first."""
    if not rest.startswith(b'"'):
        return rest.partition(b",")[0]
    end = 1
    while rest[end : end + 1] != b'"' or rest[end + 1 : end + 2] == b'"':
        end += 2 if rest[end : end + 1] == b'"' else 1
    return rest[: end + 1]
