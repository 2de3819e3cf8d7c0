"""What people do, as data: drawn from a seed, printed as a person would type it, and dropped one by one when a failure
is made small. A job is named by its place among those that the server has."""

import json
import random
import shlex
from collections.abc import Sequence
from typing import Any

from tests.people.folder import OUTPUTS, parts_of
from tests.people.inputs import CHANGES, TEXTS
from tests.people.oracle import Options

Step = dict[str, Any]
INPUTS = ("a.csv", "b.csv")
MODELS = ("length", "number", "integer")
PROFILES = (
    Options(), Options(), Options(keep="text"), Options(keep="channel,text"), Options(id="channel"),
    Options(model="length"), Options(model="number"), Options(model="number"), Options(model="number", keep="channel"),
    Options(model="integer"),
)  # fmt: skip
FED_OTHERWISE = (
    Options(feed="channel"),
    Options(feed="channel", model="length"),
    Options(feed="message_id", model="number"),
)
DAMAGES = ("edit", "cut", "extend", "empty", "delete", "link", "dangling", "directory", "copy")
HEAVY = ("kill worker", "restart server")
WEIGHTS = {
    "enqueue": 40, "again": 30, "kind": 9, "put": 8, "change": 8, "delete": 3, "restore": 5, "damage": 25, "repair": 5,
    "collect": 12, "retry": 9, "cancel": 3, "forget": 6, "rejects": 4, "status": 3, "verify": 4, "kill child": 2,
    "restart server": 1.5, "kill worker": 0.3,
}  # fmt: skip


def draw(chance: random.Random, gentle: bool = False, words: bool = True) -> "list[Step]":
    """A sequence that begins with two inputs; a gentle one spares what takes seconds to come back, and without `words`
    it has no --feed."""
    steps: list[Step] = [{"do": "put", "input": name, "text": _text(chance)} for name in INPUTS]
    profiles = (*PROFILES, *FED_OTHERWISE) if words else PROFILES
    spared = (*(HEAVY if gentle else ()), *(() if words else ("kind",)))
    weights = {name: 0 if name in spared else weight for name, weight in WEIGHTS.items()}
    kinds, numbers = list(weights), list(weights.values())
    for _ in range(chance.randint(3, 8)):
        kind = chance.choices(kinds, numbers)[0]
        if kind == "kind":
            steps += _of_another_kind(chance, gentle, profiles)
            continue
        steps.append(_step(chance, kind, [step for step in steps if step["do"] == "enqueue"], gentle, profiles))
    return steps


def _step(chance: random.Random, kind: str, before: "list[Step]", gentle: bool, profiles: Sequence[Options]) -> Step:
    if kind == "again" and before:
        step = dict(chance.choice(before))
        step["mishap"] = _mishap(chance, gentle, profiles)
        return step
    name = chance.choices(INPUTS, (4, 1))[0]
    job = chance.choice([-1, -1, -1, 0, 1, 2, 3])  # mostly the last
    if kind in ("enqueue", "again"):
        return {"do": "enqueue", **_enqueue(chance, name, profiles), "mishap": _mishap(chance, gentle, profiles)}
    if kind == "put":
        return {"do": kind, "input": name, "text": _text(chance)}
    if kind == "change":
        return {"do": kind, "input": name, "how": chance.choice([*CHANGES, "touch"])}
    if kind in ("delete", "restore"):
        return {"do": kind, "input": name}
    if kind in ("damage", "repair"):
        part = chance.choice(parts_of(_output(chance) or f"{name[0]}.scores.csv"))
        return {"do": "damage", "file": part, "how": "delete" if kind == "repair" else chance.choice(DAMAGES)}
    if kind == "collect":
        return {
            "do": kind,
            "job": job,
            "output": _output(chance) or "out.csv",
            "mishap": _mishap(chance, gentle, profiles),
        }
    if kind == "retry":
        model = chance.choice(["", "length", "length", "number", "integer"])
        return {"do": kind, "job": job, "model": model, "mishap": _mishap(chance, gentle, profiles)}
    if kind == "verify":
        return {"do": kind, "output": _output(chance) or f"{name[0]}.scores.csv"}
    return {"do": kind, "job": job}


def _of_another_kind(chance: random.Random, gentle: bool, profiles: Sequence[Options]) -> "list[Step]":
    """What is no plain file, or is not scored whole."""
    name = chance.choices(INPUTS, (4, 1))[0]
    step = {"do": "enqueue", **_enqueue(chance, name, profiles), "mishap": _mishap(chance, gentle, profiles)}
    put = {"do": "put", "input": name, "text": chance.choice(["packed", "semicolons", "colons"])}
    kind = chance.choice(["limit", "errors", "errors", "threshold", "several", "several", "put", "put"])
    if kind == "limit":
        return [{**step, "limit": chance.choice([1, 3, 3000])}]
    if kind == "errors":
        return [{**step, "errors": True, "limit": chance.choice([0, 0, 4])}]
    if kind == "threshold":
        return [{**step, "threshold": chance.choice(["0.0", "0.5"]), "errors": chance.random() < 0.5}]
    if kind == "several":
        if step["mishap"].get("kind") == "edit":
            step["mishap"] = {}
        output = chance.choice(["out.csv", "sub/out.csv"])
        return [{**step, "several": True, "elsewhere": False, "output": output, "errors": chance.random() < 0.3}]
    return [put, {**step, "delimiter": ":" if put["text"] == "colons" else ""}]


def _enqueue(chance: random.Random, name: str, profiles: Sequence[Options]) -> Step:
    options = chance.choice(profiles)
    if chance.random() < 0.2:
        options = options._replace(most=chance.choice(["0", "50%", "2"]))
    if chance.random() < 0.4:
        options = options._replace(batch=chance.choice([1, 1, 20_000]))
    return {
        "input": name, **options._asdict(), "output": _output(chance), "again": chance.random() < 0.08,
        "wait": chance.random() < 0.85, "json": chance.random() < 0.3, "quiet": chance.random() < 0.3,
        "elsewhere": chance.random() < 0.15,
    }  # fmt: skip


def _text(chance: random.Random) -> str:
    """Half of the time one with rejects that a retry could mend."""
    return chance.choice(["mixed", "quoted", "many"] if chance.random() < 0.4 else list(TEXTS))


def _output(chance: random.Random) -> str:
    return chance.choice(OUTPUTS) if chance.random() < 0.3 else ""


def _mishap(chance: random.Random, gentle: bool, profiles: Sequence[Options]) -> Step:
    """What happens while the command runs; mostly nothing."""
    if chance.random() > 0.22:
        return {}
    kinds = (
        ["kill"] * 5
        + ["interrupt", "interrupt", "child", "edit", "beside", "beside", "beside"]
        + ["server"] * (not gentle)
    )
    kind, after = chance.choice(kinds), round(chance.random() * 0.25, 3)
    mishap: Step = {"kind": kind, "after": after}
    if kind == "edit":
        mishap["text"] = _text(chance)
    if kind == "beside":
        other = chance.choices(["enqueue", "collect", "retry", "cancel", "forget", "rejects"], (6, 3, 1, 1, 1, 1))[0]
        mishap["other"] = {**_step(chance, other, [], gentle, profiles), "mishap": {}}
    return mishap


def options_of(step: Step) -> Options:
    return Options(**{name: step[name] for name in Options._fields if name in step})


def line(step: Step) -> str:
    """As a person would type it."""
    kind = step["do"]
    if kind == "enqueue":
        options = options_of(step)
        words = ["producer", "enqueue", *(INPUTS if step.get("several") else [step["input"]])]
        for name in ("limit", "delimiter"):
            words += [f"--{name}", str(getattr(options, name))] if getattr(options, name) else []
        words += ["--errors"] if options.errors else []
        words += ["--threshold", options.threshold] if options.threshold else []
        for name in ("model", "keep", "id"):
            if getattr(options, name):
                words += [f"--{name}", getattr(options, name) + ".pb" * (name == "model")]
        words += ["--feed", f"text={options.feed}"] if options.feed else []
        words += ["--batch-bytes", str(options.batch)] if options.batch else []
        words += ["--max-rejects", options.most] if options.most else []
        words += ["--output", step["output"]] if step["output"] else []
        words += [f"--{name}" for name in ("again", "wait", "json", "quiet") if step[name]]
        text = shlex.join(words) + "   # from another folder" * step["elsewhere"]
    elif kind == "put":
        text = f"cp {step['text']} {step['input']}"
    elif kind in ("change", "damage"):
        text = f"{step['how']} {step.get('input') or step['file']}"
    elif kind in ("delete", "restore"):
        text = f"{kind} {step['input']}"
    elif kind in ("kill child", "kill worker", "restart server"):
        text = kind
    elif kind == "verify":
        text = f"producer verify {step['output']}"
    else:
        text = f"producer {kind} JOB{step['job']}"
        text += f" --output {step['output']}" if step.get("output") else ""
        text += f" --model {step['model']}.pb" if step.get("model") else ""
    mishap = step.get("mishap")
    if mishap:
        what = {"beside": f"beside it: {line(mishap['other'])}"} if "other" in mishap else {}
        what["edit"] = f"cp {mishap.get('text')} {step.get('input', INPUTS[0])}"
        text += f"   # after {mishap['after']} s: {what.get(mishap['kind'], mishap['kind'])}"
    return text


def encode(steps: "list[Step]") -> str:
    return json.dumps(steps, separators=(",", ":"))
