"""Going on with an interrupted training run: what makes it the same run, and where it stands.

The terms of a run (its data's digest, seed, hyper-parameters) are a variable of the graph, so each checkpoint holds
them, written in the same stroke as the weights and the optimiser's slots.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorflow.compat import v1

from model.checkpoints import checkpoint, saving
from model.corpus import Labelled
from model.errors import ModelError

VARIABLE = "training_terms"  # a string scalar: JSON

_OTHERWISE = "--again removes it and starts over, another --checkpoints leaves it"

Terms = Mapping[str, str | int | float | list[float]]


def digest(data: Labelled) -> str:
    """The sha256 of messages and labels, in their order."""
    total = hashlib.sha256()
    for text, label in zip(data.texts, data.labels, strict=True):
        total.update(len(text).to_bytes(8, "little") + text + bytes([bool(label)]))
    return total.hexdigest()


def record(terms: Terms) -> None:
    """Add the terms to the default graph, before a Saver is made."""
    v1.get_variable(VARIABLE, initializer=json.dumps(terms, sort_keys=True), trainable=False)


def recorded(directory: Path, asked: Terms, *, from_step: int | None = None) -> dict[str, Any] | None:
    """Read the terms of the run in `directory`; None if there is none.

    Raises ModelError as `start` does, also if one of the terms `asked` is another there. Others are not looked at.
    """
    saving.tidy(directory)
    prefix = _where(directory, from_step)
    if prefix is None:
        return None
    theirs = _terms(prefix, directory)
    _compare({name: theirs[name] for name in asked if name in theirs}, asked, directory)
    return theirs


def start(
    session: v1.Session, directory: Path, terms: Terms, *, again: bool = False, from_step: int | None = None
) -> int:
    """Initialise the session's variables, or restore them from the run in `directory`; return the steps it has done.

    The latest checkpoint counts, or that of `from_step`. `again` removes what is there first. Raises ModelError, and
    leaves everything as it is, if there is a checkpoint that is torn, of a run on other terms, or of no run at all.
    """
    if again:
        saving.clear(directory)
    saving.tidy(directory)
    prefix = _where(directory, from_step)
    with session.graph.as_default():
        if prefix is None:
            session.run(v1.global_variables_initializer())
            return 0
        _check(prefix, directory, terms)
        v1.train.Saver().restore(session, prefix)
        return int(session.run(v1.train.get_global_step()))


def _where(directory: Path, from_step: int | None) -> str | None:
    if from_step is not None:
        prefix = str(directory / f"{checkpoint.BASENAME}-{from_step}")
        if prefix not in checkpoint.saved(directory):
            steps = ", ".join(str(checkpoint.step_of(other)) for other in checkpoint.saved(directory))
            raise ModelError(f"{directory} has no checkpoint of step {from_step}; it has those of {steps or 'none'}")
        return prefix
    if (directory / checkpoint.STATE).exists():
        return checkpoint.find(directory)
    # Killed in its first save, before `checkpoint` named it; or that file was lost.
    found = checkpoint.saved(directory)
    if found and checkpoint.fault(found[-1]) is None:
        return found[-1]
    if found or len(list(directory.glob(f"{checkpoint.BASENAME}-*.data-00000-of-*"))) > 1:
        raise ModelError(
            f"{directory} has files of checkpoints, but not all: bring them back, or start over with --again"
        )
    return None


def _check(prefix: str, directory: Path, terms: Terms) -> None:
    _compare(_terms(prefix, directory), terms, directory)
    reader = checkpoint.read(prefix)
    mine = {variable.op.name for variable in v1.global_variables()}
    missing = sorted(mine - reader.get_variable_to_shape_map().keys())
    if missing:
        raise ModelError(
            f"{prefix} lacks {', '.join(missing)}: it was saved with --variables, or by another version of "
            f"this program, so it cannot go on; {_OTHERWISE}"
        )


def _terms(prefix: str, directory: Path) -> dict[str, Any]:
    why = checkpoint.fault(prefix)
    if why is not None:
        raise ModelError(f"cannot resume from {prefix}: {why}; {checkpoint.advice(directory, prefix)}")
    reader = checkpoint.read(prefix)
    if not reader.has_tensor(VARIABLE):
        raise ModelError(f"{prefix} is not a whole state of a training run, so it cannot go on; {_OTHERWISE}")
    terms: dict[str, Any] = json.loads(reader.get_tensor(VARIABLE))
    return terms


def _compare(theirs: Mapping[str, Any], terms: Terms, directory: Path) -> None:
    if theirs.keys() != terms.keys() and theirs.get("kind", terms.get("kind")) == terms.get("kind"):
        raise ModelError(f"{directory} holds a run that another version of this program began; {_OTHERWISE}")
    differing = [name for name in sorted({*theirs, *terms}) if theirs.get(name) != terms.get(name)]
    if differing:
        said = ", ".join(
            f"other {name}"
            if isinstance(theirs.get(name, terms.get(name)), str | list) or theirs.get(name) is None
            else f"{name.replace('_', ' ')} {theirs.get(name)}, not {terms.get(name)}"
            for name in differing
        )
        raise ModelError(
            f"{directory} holds a run on other terms ({said}), so this is not its continuation; {_OTHERWISE}"
        )
