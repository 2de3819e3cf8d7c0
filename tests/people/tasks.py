"""A command of a person's, with all that is needed to judge it: what it would write, and of which input."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.people.actions import Step, options_of
from tests.people.folder import Folder, parts_of
from tests.people.oracle import SEVERAL, Content, Options, option_words
from tests.people.town import Town
from tests.people.world import World

PLAIN = Options()
KNOWN_IDS = (None, "message_id")  # what is taken where no --id is given


@dataclass(frozen=True)
class Known:
    """A job on the server: of what, and whether its input is there still."""

    content: Content
    options: Options
    here: bool
    state: str
    collected: bool  # to its end, to `output`
    output: str


@dataclass(frozen=True)
class Task:
    step: Step
    kind: str
    words: "tuple[str, ...]"
    folder: Path  # from which it is typed
    output: str = ""  # the scores file that it writes, within the person's folder; none: it writes nothing
    content: "Content | None" = None
    options: Options = PLAIN
    job: str = ""
    known: "Known | None" = None

    @property
    def misused(self) -> bool:
        """Whether its options don't go together: it ends with 2 before it does anything."""
        return self.kind == "enqueue" and not self.output and bool(self.options.most)

    def is_apart(self, other: "Task") -> bool:
        """Whether neither can be in the other's way: they are of different jobs, and write to different places."""
        mine, its = ((task.content, task.options._replace(batch=0, most="")) for task in (self, other))
        places = set(parts_of(self.output)) & set(parts_of(other.output)) if self.output and other.output else set()
        return mine != its and not places and other.kind in ("enqueue", "collect", "rejects", "status")


def know(world: World, folder: Folder, town: Town, job: str, record: "dict[str, Any]") -> "Known | None":
    """None for a job of whose input nothing is known here."""
    version = folder.version_of(record)
    if version is None:
        return None
    named = Path(record["model_name"]).stem
    options = Options(
        model=named if named in town.models else "",
        keep=",".join(name for name in record["keep"] if name != "file" or not record.get("files")),
        id="" if record["id_column"] in KNOWN_IDS else record["id_column"],
        limit=record.get("limit", 0),
        errors=record.get("errors", False),
        threshold=str(record.get("threshold", "")),
        delimiter=":" if record.get("dialect", {}).get("delimiter") == ":" else "",  # others are found
        feed=next((feed["column"] for feed in record["feeds"] if feed["column"] != "text"), ""),
    )
    output = world.field(job, "output")
    return Known(
        version, options, folder.is_as_it_was(record), world.field(job, "state"),
        bool(output) and world.field(job, "collected") == world.field(job, "batches"), relative(folder, output),
    )  # fmt: skip


def relative(folder: Folder, path: str) -> str:
    return str(Path(path).relative_to(folder.path)) if path and Path(path).is_relative_to(folder.path) else ""


def make_task(step: Step, world: World, folder: Folder, town: Town) -> Task:
    kind = step["do"]
    if kind == "enqueue":
        options = options_of(step)
        waits = step["wait"] or step["output"] or not world.environment().get("REDIS_URL")
        elsewhere = step["elsewhere"]

        def name(path: str) -> str:
            return str(folder.path / path) if elsewhere else path

        several = step.get("several", False)
        words = ["enqueue", *map(name, SEVERAL if several else (step["input"],)), *option_words(town, options)]
        words += ["--output", name(step["output"])] if step["output"] else []
        words += [f"--{flag}" for flag in ("again", "wait", "json", "quiet") if step[flag]]
        output = step["output"] or f"{step['input'].removesuffix('.csv')}.scores.csv"
        return Task(
            step, kind, tuple(words), town.folder if elsewhere else folder.path, output if waits else "",
            _together(folder) if several else folder.content(step["input"]), options,
        )  # fmt: skip
    if kind == "verify":
        return Task(step, kind, ("verify", step["output"]), folder.path)
    jobs = world.jobs()
    job = list(jobs)[step["job"] % len(jobs)] if jobs else "nothing-1"
    known = know(world, folder, town, job, jobs[job]) if jobs else None
    words = [kind, job]
    output = ""
    if kind == "collect":
        output = step["output"]
        words += ["--output", output]
    elif kind == "retry":
        output = known.output if known else ""
        words += ["--model", str(town.models[step["model"]])] if step["model"] else []
    elif kind == "status" and step["job"] == 0:
        words = [kind]
    content, options = (known.content, known.options) if known else (None, PLAIN)
    return Task(step, kind, tuple(words), folder.path, output, content, options, job if known else "", known)


def _together(folder: Folder) -> "tuple[bytes, ...] | None":
    """None if one of them is not there."""
    found = [folder.content(name) for name in SEVERAL]
    return None if None in found else tuple(each for each in found if each is not None)
