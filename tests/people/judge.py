"""Whether what a command left behind is right."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.people.folder import Folder, Snapshot, parts_of
from tests.people.oracle import (
    READERS,
    Clean,
    Content,
    Files,
    Options,
    Oracle,
    code_of,
    comparable,
    rejected,
    split_rows,
    without_raw,
)
from tests.people.tasks import Known, Task
from tests.people.world import Run, World

Layers = tuple[str, ...]  # the models of `producer retry`, in turn
# A Ctrl-C that came while the interpreter was in a callback of its own: it says so, and goes on.
SWALLOWED = re.compile(r"Exception ignored in: .*\n(?:Traceback .*\n(?:  .*\n)*)?KeyboardInterrupt: ?\n")
CHATTER = ("is scored again", "scores are taken from", "is left as producer retry made it", "that is not UTF-8",
           "blank line", "a CR in a file", "waiting for the server", "the server is back", "no worker is there yet",
           "waiting for workers", " is read as ", "was unpacked again", " of the first ", " records, ",
           " records\n")  # fmt: skip


class Violation(AssertionError):
    """Something was promised, and is not so."""


@dataclass
class Judge:
    oracle: Oracle
    world: World
    folder: Folder
    old: bool = False  # another version's commands: no receipts, no `verify`
    layers: "dict[str, set[Layers]]" = field(default_factory=lambda: defaultdict(lambda: {()}))
    jobs: "dict[str, Known]" = field(default_factory=dict)

    # -- any end

    def check_words(self, task: Task, run: Run) -> None:
        """What it said, however it ended."""
        said = SWALLOWED.sub("", run.out + run.err)
        if "Traceback" in said or run.code not in (0, 1, 2, 3, 4, -9):
            raise Violation(f"it ended with {run.code} and said: {said[-3000:]}")
        if run.code == 4 and "interrupted" not in run.err:
            raise Violation(f"exit code 4 without a word: {said}")
        if run.code == 1 and task.kind != "verify":
            lines = [line for line in run.err.splitlines() if line and not any(each in f"{line}\n" for each in CHATTER)]
            if len(lines) != 1 or not lines[0].startswith("producer: "):
                raise Violation(f"exit code 1 with other than one line: {run.err!r}")

    def check_untouched(self, before: Snapshot, after: Snapshot, but: "tuple[str, ...]" = ()) -> None:
        names = [name for name in {*before, *after} if before.get(name) != after.get(name) and name not in but]
        if names:
            raise Violation(f"not its own, and altered: {', '.join(sorted(names))}")

    # -- success

    def candidates(self, job: str, content: Content, options: Options) -> "dict[Layers, Files]":
        """What may be in the files of that job, by the retries it has been through."""
        found = {}
        for layers in {(), *self.layers[job]}:
            files = self.oracle.layered(content, options, layers)
            if files is not None:
                found[layers] = files
        return found

    def check_files(self, task: Task, run: Run) -> None:
        """After exit code 0 or 3: the files are what the same command writes in an empty folder."""
        now = self.folder.snapshot()
        parts = parts_of(task.output)
        for name in parts[: 2 if self.old else 3]:
            if name not in now or now[name].kind != "file":
                raise Violation(f"{name} is {now[name].kind if name in now else 'not there'}")
        files = Files(now[parts[0]].content, now[parts[1]].content)
        content, options = task.content, task.options
        if self.old:
            clean = self.oracle.clean(content, options._replace(most=""))
            self._compare(files, {(): clean.files} if clean.files else {}, lenient=False)
            return
        try:
            document = json.loads(now[parts[2]].content)
        except ValueError:
            raise Violation(f"{parts[2]} is no receipt: {now[parts[2]].content!r:.300}") from None
        record = document["record"]
        version = self.folder.version_of(record)
        if version is None or (version != content and task.step.get("mishap", {}).get("kind") != "edit"):
            raise Violation("the receipt is not of this input")
        content, job = version, document["job"]
        lenient = (
            (task.kind == "collect" and not (task.known and task.known.here))
            or (task.kind == "retry" and self._unread(job))
            or task.step.get("mishap", {}).get("kind") == "edit"
        )
        if task.kind == "retry":
            self._retried(task, job)
        candidates = self.candidates(job, content, options)
        found = self._compare(files, candidates, lenient)
        self.layers[job] = {found}
        beside = task.step.get("mishap", {}).get("other", {}).get("do") == "retry"  # either may have ended before
        self._check_code(task, run, [files, *candidates.values()] if beside else [files])
        retried = document["receipt"]["retried"]
        if found:
            if not beside and "producer retry" not in run.out + run.err and '"retried": [{' not in run.out:
                raise Violation(f"rows are by other models, {found}, and nothing says so")
            if not retried:
                raise Violation(f"rows are by other models, {found}, and the receipt does not say so")
        elif not lenient and task.kind != "retry":
            expected = self.oracle.receipt(content, options, record["batch_bytes"])
            if comparable(document) != expected:
                raise Violation(
                    f"another receipt than in an empty folder: {_difference(comparable(document), expected)}"
                )
        self.check_litter(task)

    def _unread(self, job: str) -> bool:
        """Whether it was collected while its input was away: rejects by workers have no text then."""
        return self.world.field(job, "unread_rejects") not in ("", "0")

    def check_rejects(self, task: Task, run: Run) -> None:
        """What `producer rejects` prints of a complete job."""
        known = task.known
        if self.old or known is None or known.state != "complete" or not known.here:
            return
        printed = run.out.encode(errors="surrogateescape")
        unread = self._unread(task.job)
        for files in self.candidates(task.job, known.content, known.options).values():
            if printed == files.rejects or (unread and alike(files._replace(rejects=printed), files)):
                return
        raise Violation(f"other rejects than in an empty folder: {run.out}")

    def _retried(self, task: Task, job: str) -> None:
        """One more model may have scored."""
        model = task.step["model"] or task.options.model
        self.layers[job] = {(*layers, model) for layers in self.layers[job]}

    def maybe_retried(self, task: Task) -> None:
        if task.kind == "retry" and task.job:
            before = set(self.layers[task.job])
            self._retried(task, task.job)
            self.layers[task.job] |= before

    def _compare(self, files: Files, allowed: "dict[Layers, Files]", lenient: bool) -> Layers:
        """Which of them the files are; the plainest."""
        for layers in sorted(allowed, key=len):
            if files == allowed[layers] or (lenient and alike(files, allowed[layers])):
                return layers if allowed[layers] != allowed.get(()) else ()
        shown = "\n".join(f"{layers}: {some!r}" for layers, some in allowed.items())
        raise Violation(f"the files are {files!r:.2000}\nand should be {shown:.2000}")

    def _check_code(self, task: Task, run: Run, whose: "list[Files]") -> None:
        """It is that of one of these files: what the command saw of them."""
        expected = {self._code(task, files) for files in whose}
        if run.code not in expected:
            codes = " or ".join(map(str, sorted(expected)))
            raise Violation(f"the exit code is {run.code}, and should be {codes}: {run.err}")

    def _code(self, task: Task, files: Files) -> int:
        rows, bad = len(split_rows(files.scores)) - 1, len(rejected(files.rejects))
        scored = rows - bad if task.options.errors else rows
        most = task.options.most if task.kind == "enqueue" else ""
        limit = float(most.removesuffix("%")) * ((scored + bad) / 100 if "%" in most else 1) if most else scored + bad
        return 3 if bad > limit or (bad and not scored) else 0

    def check_litter(self, task: Task) -> None:
        """Nothing that is on its way is left at these files, but what a job that the server knows needs to go on."""
        output = task.output
        if task.step.get("mishap", {}).get("kind") == "beside":
            return  # a job may be forgotten when that is done
        parts = parts_of(output)
        needed = set()
        for job, record in self.world.jobs().items():
            state, collected = self.world.field(job, "state"), int(self.world.field(job, "collected") or 0)
            if collected and state in ("running", "complete"):
                needed |= {f"{name}.{record.get('incarnation')}.partial" for name in parts[:2]}
        stem = output.rpartition("/")[2].rpartition(".")[0]
        left = [
            name for name in self.folder.temporary()
            if name not in needed and (any(name.startswith(f"{part}.") for part in parts) or f".{stem}.retry" in name)
        ]  # fmt: skip
        if left:
            raise Violation(f"left behind: {', '.join(left)}")

    # -- failure

    def check_refusal(self, task: Task, run: Run, before: Snapshot) -> None:
        """After exit code 1 or 2 of a command that nothing disturbed: there was a reason."""
        if task.misused or run.code == 2:
            place = before.get(task.output)
            folder = "is a directory" in run.err and place is not None and place.kind != "file"
            if run.code != 2 or not (task.misused or folder):
                raise Violation(f"it ended with {run.code}: {run.err}")
        elif task.kind == "enqueue":
            clean = self.oracle.clean(task.content, task.options)
            if clean.code == 3 and task.options.most and "can score no record" in run.err:
                return  # a worker saw that it is hopeless before the budget was looked at
            if clean.code != run.code and not self._in_the_way(task, run, before):
                raise Violation(f"in an empty folder it ends with {clean.code}; here it said: {run.err}")
        elif task.kind == "collect" and task.known:
            if task.known.state in ("running", "complete") and task.known.here:
                clean = self.oracle.clean(task.content, task.options)
                if clean.code != 1 and not self._in_the_way(task, run, before):
                    raise Violation(f"the job is {task.known.state} and its input there, yet it said: {run.err}")
        elif task.kind == "status" and (task.job or len(task.words) == 1):
            raise Violation(f"no status: {run.err}")
        elif task.kind == "retry" and task.known and self._can_be_retried(task):
            raise Violation(f"there are rejects that a retry could mend, yet it said: {run.err}")

    def _in_the_way(self, task: Task, run: Run, before: Snapshot) -> bool:
        if "is no regular file, and is left alone" in run.err:
            return any(
                name in before and (before[name].kind == "folder" or (self.folder.path / name).is_dir())
                for name in parts_of(task.output)
            )
        return "name another --output" in run.err and "belong to" in run.err and task.output in ("out.csv", "out.tsv")

    def _can_be_retried(self, task: Task) -> bool:
        known = task.known
        if known is None or not (known.here and known.collected and known.state == "complete" and known.output):
            return False
        if not self._as_vouched(known.output):
            return False
        clean = self.oracle.clean(task.content, task.options)
        by = self.oracle.clean(task.content, task.options._replace(model=task.step["model"] or task.options.model))
        if clean.files is None or by.files is None or self.layers[task.job] != {()}:
            return False
        scores, rejects, _ = self.read_parts(known.output)
        if not alike(Files(scores or b"", rejects or b""), clean.files):
            return False  # another job's are in their place
        return any(code_of(row) not in READERS for row in rejected(clean.files.rejects).values()) and (
            self.oracle.layered(known.content, known.options, (task.step["model"],)) != clean.files
        )

    def _as_vouched(self, output: str) -> bool:
        return output in self.vouched and self.read_parts(output) == self.vouched[output]

    # -- what is between

    def check_part(self, task: Task, before: Snapshot, after: Snapshot) -> None:
        """After a command that did not come to its end: each file is as it was, or as it will be."""
        if not task.output or task.content is None:
            self.check_untouched(before, after)
            return
        parts = parts_of(task.output)
        self.check_untouched(before, after, but=parts)
        self.maybe_retried(task)
        allowed = [*self.candidates("", task.content, task.options).values()]
        for job, known in self.jobs.items():
            if (known.content, known.options) == (task.content, task.options._replace(batch=0, most="")):
                allowed += self.candidates(job, known.content, known.options).values()
        for index in (0, 1):
            entry = after.get(parts[index])
            if entry != before.get(parts[index]) and (
                entry is None or entry.kind != "file" or not any(_part(entry.content, each, index) for each in allowed)
            ):
                raise Violation(f"{parts[index]} is neither as it was nor as it will be: {entry!r:.1000}")
        if any(after.get(name) != before.get(name) for name in parts):
            self.vouched.pop(task.output, None)  # one more receipt may be true of the scores that are there

    # -- `producer verify`

    vouched: "dict[str, list[bytes | None]]" = field(default_factory=dict)

    def read_parts(self, output: str) -> "list[bytes | None]":
        return [self.folder.content(name) for name in parts_of(output)]

    def check_verdict(self, output: str, run: Run, right: "bool | None") -> None:
        self.check_words(Task({}, "verify", run.words, self.folder.path), run)
        if right is not None and run.code != (0 if right else 1):
            raise Violation(f"producer verify {output} ends with {run.code}: {run.out}{run.err}")


def alike(files: Files, other: Files) -> bool:
    """The same, but for the raw text of what workers rejected."""
    bare = without_raw(other)
    if files.scores != other.scores:
        return False
    rows, whole, short = (split_rows(each.rejects) for each in (files, other, bare))
    return len(rows) == len(whole) and all(row in pair for row, *pair in zip(rows, whole, short, strict=True))


def _part(content: bytes, files: Files, index: int) -> bool:
    return content == files[index] or (index == 1 and alike(Files(files.scores, content), files))


def _difference(one: Any, other: Any, path: str = "") -> str:
    """The first place where they differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            if one.get(name) != other.get(name):
                return _difference(one.get(name), other.get(name), f"{path}.{name}")
    return f"{path}: {one!r} instead of {other!r}"


__all__ = ["Clean", "Judge", "Violation"]
