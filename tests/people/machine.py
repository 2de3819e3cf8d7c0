"""Plays a sequence of steps, with a check after each, and makes one that fails small."""

import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.people.actions import Step, encode, line
from tests.people.folder import Folder, Snapshot, parts_of
from tests.people.inputs import CHANGES, TEXTS
from tests.people.judge import Judge, Violation
from tests.people.oracle import STOPPED, Oracle
from tests.people.tasks import Task, know, make_task
from tests.people.town import Town
from tests.people.world import Run, World

REFUSALS = ("no answer from ", "the server: ", "does not answer")
DEFAULTS = {"mishap": {}, "keep": "", "id": "", "feed": "", "model": "", "batch": 0, "most": "", "output": "",
            "limit": 0, "errors": False, "threshold": "", "delimiter": "", "several": False,
            "again": False, "json": False, "quiet": False, "elsewhere": False}  # fmt: skip


@dataclass
class Failure(Exception):
    """A violation, and the steps that led to it."""

    steps: "list[Step]"
    said: str
    spool: bool = False

    def __str__(self) -> str:
        return "\n".join([*(f"  {number}. {line(step)}" for number, step in enumerate(self.steps, 1)), self.said])

    @property
    def replay(self) -> str:
        return f"python -m tests.people {'--spool ' * self.spool}--steps '{encode(self.steps)}'"


@dataclass
class Machine:
    """One sequence."""

    town: Town
    world: World
    oracle: Oracle
    path: Path
    spool: bool = False
    counts: "Counter[str]" = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.folder = Folder(self.path)
        self.judge = Judge(self.oracle, self.world, self.folder, self.town.tree is not None)

    def play(self, steps: "list[Step]") -> None:
        """Raises Failure."""
        for number, step in enumerate(steps):
            try:
                self._do(step)
            except Exception as error:
                said = str(error) if isinstance(error, Violation | TimeoutError) else traceback.format_exc()
                raise Failure(steps[: number + 1], said, self.spool) from error

    def _do(self, step: Step) -> None:
        kind = step["do"]
        self.counts[kind] += 1
        if kind == "put":
            self.folder.write(step["input"], TEXTS[step["text"]])
        elif kind == "change":
            content = self.folder.content(step["input"])
            if content is not None:
                self.folder.write(step["input"], CHANGES.get(step["how"], bytes)(content))
        elif kind == "delete":
            self.folder.delete(step["input"])
        elif kind == "restore":
            self.folder.restore(step["input"])
        elif kind == "damage":
            self._damage(step)
        elif kind == "kill child":
            self.world.kill_child()
        elif kind == "kill worker":
            self.world.kill_worker()
        elif kind == "restart server":
            self.world.restart_server()
        elif kind == "verify":
            self._verify(step["output"])
        else:
            self._command(step)

    # -- commands

    def _start(self, task: Task) -> "Callable[[], Run]":
        started = self.world.start(task.words, task.folder, self.world.environment(self.spool))
        return lambda: self.world.finish(started)

    def _command(self, step: Step) -> None:
        task = make_task(step, self.world, self.folder, self.town)
        mishap = step.get("mishap") or {}
        if self.judge.old and (task.kind in ("rejects", "status") or mishap.get("kind") == "edit"):
            return  # which input it was, nothing says
        before = self.folder.snapshot()
        if mishap:
            self.counts[f"({mishap['kind']})"] += 1
        if mishap.get("kind") == "beside":
            also = {**mishap["other"], "mishap": {"kind": "beside", "other": step}}
            self._two(task, make_task(also, self.world, self.folder, self.town), mishap["after"], before)
        else:
            run = self._disturbed(task, mishap)
            self._judge(task, run, before, mishap.get("kind", ""))
        self._look()

    def _disturbed(self, task: Task, mishap: Step) -> Run:
        """The command, and what happens to it."""
        started = self.world.start(task.words, task.folder, self.world.environment(self.spool))
        kind = mishap.get("kind")
        if kind:
            self.world.ended(started, mishap["after"])
        if kind in ("kill", "interrupt"):
            self.world.signal(started, signal.SIGKILL if kind == "kill" else signal.SIGINT)
        elif kind == "child":
            self.world.kill_child()
        elif kind == "server":
            self.world.restart_server()
        elif kind == "edit":
            self.folder.write(task.step.get("input", "a.csv"), TEXTS[mishap["text"]])
        run = self.world.finish(started)
        self.world.let_time_pass()
        return run

    def _judge(self, task: Task, run: Run, before: Snapshot, mishap: str) -> None:
        self._count(task, run)
        judge, after = self.judge, self.folder.snapshot()
        judge.check_words(task, run)
        if mishap == "edit":
            names = {name for name in after if name.endswith((".csv",)) and "/" not in name and len(name) == 5}
            before = {**before, **{name: after[name] for name in names}}
        if run.code in (4, -9):
            judge.check_part(task, before, after)
            return
        if run.code == 3 and STOPPED in run.err:
            judge.check_untouched(before, after)
            judge.check_litter(task)
            return
        if run.code in (0, 3):
            judge.check_untouched(before, after, parts_of(task.output) if task.output else ())
            if task.output:
                self._check_success(task, run)
            elif task.kind == "forget":
                judge.layers.pop(task.job, None)
            elif task.kind == "rejects":
                judge.check_rejects(task, run)
            return
        judge.check_untouched(before, after)
        if mishap == "edit" or (mishap == "server" and any(each in run.err for each in REFUSALS)):
            return
        judge.check_refusal(task, run, before)

    def _check_success(self, task: Task, run: Run) -> None:
        if task.kind != "collect" or task.known:  # else it is what a retry that was killed was scoring
            self.judge.check_files(task, run)
        if not self.judge.old:
            verdict = self._producer("verify", task.output)
            self.judge.check_verdict(task.output, verdict, True)
            self.judge.vouched[task.output] = self.judge.read_parts(task.output)

    def _two(self, one: Task, other: Task, after: float, before: Snapshot) -> None:
        """Both at once. What either did can't be told apart where they write to one place."""
        first = self.world.start(one.words, one.folder, self.world.environment(self.spool))
        self.world.ended(first, after)
        second = self.world.start(other.words, other.folder, self.world.environment(self.spool))
        done, also = self.world.finish(first), self.world.finish(second)
        if one.job == other.job:  # the job's scores were there by then
            if (one.kind, other.kind) == ("collect", "retry") and str(self.path / one.output) in also.out:
                other = replace(other, output=one.output)
            if (one.kind, other.kind) == ("retry", "collect") and str(self.path / other.output) in done.out:
                one = replace(one, output=other.output)
        pairs = [(one, done), (other, also)]
        judge, now = self.judge, self.folder.snapshot()
        written = tuple(name for task, _ in pairs if task.output for name in parts_of(task.output))
        for task, run in pairs:
            self._count(task, run)
            judge.check_words(task, run)
            if task.kind == "retry" or run.code not in (0, 3):
                judge.maybe_retried(task)
        judge.check_untouched(before, now, written)
        for (task, run), (neighbour, _) in zip(pairs, reversed(pairs), strict=True):
            if run.code in (1, 2) and task.is_apart(neighbour):
                judge.check_refusal(task, run, before)
        right = [(task, run) for task, run in pairs if run.code in (0, 3) and STOPPED not in run.err and task.output]
        if len(right) == 2 and set(parts_of(one.output)) & set(parts_of(other.output)):
            failed = []
            for task, run in right:
                try:
                    self._check_success(task, run)
                    return
                except Violation as error:
                    failed.append(str(error))
            raise Violation("both said that it is done, and neither's files are there: " + "\n".join(failed))
        for task, run in right:
            self._check_success(task, run)

    def _count(self, task: Task, run: Run) -> None:
        self.counts[f"{task.kind} -> {run.code}"] += 1

    def _producer(self, *words: str) -> Run:
        home = {"NIGHTSHIFT_HOME": self.world.environment()["NIGHTSHIFT_HOME"]}
        return self.world.finish(self.world.start(words, self.folder.path, home))

    def _look(self) -> None:
        for job, record in self.world.jobs().items():
            known = know(self.world, self.folder, self.town, job, record)
            if known:
                self.judge.jobs[job] = known

    # -- `producer verify`

    def _verify(self, output: str) -> None:
        if self.judge.old:
            return
        vouched = self.judge.vouched.get(output)
        right = None if vouched is None else self.judge.read_parts(output) == vouched
        self.judge.check_verdict(output, self._producer("verify", output), right)

    def _damage(self, step: Step) -> None:
        self.folder.damage(step["file"], step["how"])
        for output, vouched in self.judge.vouched.items():
            if step["file"] in parts_of(output) and None not in vouched:
                self._verify(output)


def shrink(fails: "Callable[[list[Step]], Failure | None]", failure: Failure, seconds: float = 120.0) -> Failure:
    """The fewest and plainest steps that fail, as far as that can be found out within the time."""
    deadline = time.monotonic() + seconds
    best = failure

    def attempt(steps: "list[Step]") -> bool:
        nonlocal best
        if time.monotonic() > deadline:
            return False
        found = fails(steps)
        if found is not None:
            best = found
        return found is not None

    size = max(1, len(best.steps) // 2)
    while size:
        start = 0
        while start < len(best.steps):
            if not attempt(best.steps[:start] + best.steps[start + size :]):
                start += size
        size //= 2
    for number in range(len(best.steps)):
        for name, plain in DEFAULTS.items():
            if number >= len(best.steps) or (name == "output" and best.steps[number]["do"] != "enqueue"):
                continue  # a collector must be told where
            if best.steps[number].get(name) not in (None, plain):
                step = {**best.steps[number], name: plain}
                attempt([*best.steps[:number], step, *best.steps[number + 1 :]])
    return best
