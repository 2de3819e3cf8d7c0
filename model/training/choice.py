"""Choosing how to train, for each corpus anew: what does best on messages that were held out, and calibrating by them.

A small grid is trained on inner folds of the messages, all at once (`trials.py`); the worse half ends early, twice.
Settings are compared by the log loss of held-out messages after calibration: it asks for right probabilities, not only
for the right side of one threshold, so that the choice hangs on no class weight and no temperature.
"""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from model.corpus import Labelled
from model.quality import folds as splitting
from model.quality.calibration import Platt, platt
from model.training import ngrams, train
from model.training.grid import Grid
from model.training.trials import Setting, Trials

FOLDS = 5
HALVED_AFTER = (2, 5)  # passes
EQUAL = (
    0.002  # of the log loss of who knows the share of spam alone: the defaults and fewer passes are preferred to that
)
SAMPLE = 8000  # messages that a choice is made on; more of them change it little
RARE = 1000  # of each label that a sample keeps, if there are so many
ENOUGH = 200  # messages of the rarer label of which one fold alone tells what calibrates the defaults

_CHOSEN = Setting._fields


class Chosen(NamedTuple):
    """How to train, and what calibrates the result after each pass; the last one holds for all later passes."""

    plan: train.Plan
    calibrations: tuple[Platt, ...] = train.UNCALIBRATED
    compared: int = 0  # settings
    folds: int = 0
    held_out: int = 0  # messages
    is_default: bool = True
    log_loss: float = math.nan  # of held-out messages, calibrated, in nats
    accuracy: float = math.nan  # of held-out messages, at 0.5

    def terms(self) -> dict[str, Any]:
        """What a run's checkpoints keep of it, so that it goes on without choosing again. See `recalled`."""
        scales, shifts = (list(each) for each in zip(*self.calibrations, strict=True))
        return {**self.plan.terms(), "passes": self.plan.epochs, "scales": scales, "shifts": shifts}


def recalled(terms: dict[str, Any], plan: train.Plan) -> Chosen:
    """What was chosen by a run with these terms; what else there is of the `plan` stays."""
    chosen = plan._replace(epochs=terms["passes"], **{name: terms[name] for name in _CHOSEN})
    return Chosen(chosen, tuple(map(Platt, terms["scales"], terms["shifts"])))


def choose(data: Labelled, plan: train.Plan, among: Grid, on_step: Callable[[], None] = lambda: None) -> Chosen:
    """Choose settings among a grid's, how many passes to take, and what calibrates the scores, on inner folds.

    What of `plan` is not chosen stays. `on_step` hears each of `effort` mini-batches. Where other settings do hardly
    better than the defaults these are taken: they lean on many n-grams, so they hold best on messages of another kind.
    With fewer than two messages of a label nothing can be held out: the defaults, uncalibrated. More than SAMPLE
    messages: the settings are chosen on a sample, and a model that lacks a part of all messages is calibrated on it.
    """
    count = _folds(data.labels)
    if count < 2:
        return Chosen(plan._replace(**among.default._asdict(), epochs=train.Plan().epochs))
    if len(data.texts) <= SAMPLE:
        return _choose(data, plan, among, count, on_step)
    if among.is_search:
        rows = _sample(data.labels, plan.seed)
        found = _choose(Labelled(data.texts[rows], data.labels[rows]), plan, among, count, on_step)
    else:
        found = Chosen(plan._replace(**among.default._asdict(), epochs=among.passes), folds=count)
    # The more messages, the fewer passes: each one is a step further, and steps that AdaGrad takes become small.
    passes = max(1, round(found.plan.epochs * math.sqrt(SAMPLE / len(data.texts))))
    return _calibrated(data, found._replace(plan=found.plan._replace(epochs=passes)), on_step)


def effort(labels: npt.NDArray[np.bool_], plan: train.Plan, among: Grid) -> int:
    """How many mini-batches a choice goes through at most, for messages with `labels` [N]."""
    if _folds(labels) < 2:
        return 0
    found = 0
    if among.is_search or len(labels) <= SAMPLE:
        rounds = 2 if among.variants(among.default, labels) else 1
        found += rounds * among.passes * plan.steps_a_pass(min(len(labels), SAMPLE))
    if len(labels) > SAMPLE:
        passes = max(1, round(among.passes * math.sqrt(SAMPLE / len(labels))))
        found += passes * plan.steps_a_pass(len(labels))
    return found


def _folds(labels: npt.NDArray[np.bool_]) -> int:
    return min(FOLDS, _rarer(labels))


def _rarer(labels: npt.NDArray[np.bool_]) -> int:
    return min(int(labels.sum()), int((~labels).sum()))


class _Found(NamedTuple):
    setting: Setting
    fits: list[Platt]  # after each pass
    losses: list[float]  # with these
    margins: list[npt.NDArray[np.float32]]  # of the messages that are held out


def _choose(data: Labelled, plan: train.Plan, among: Grid, count: int, on_step: Callable[[], None]) -> Chosen:
    counted = ngrams.count(data.texts)
    assigned = splitting.stratified(data.labels, count, plan.seed)
    if not among.is_search and _rarer(data.labels) >= ENOUGH:
        assigned[assigned > 0] = -1
    held_out = assigned >= 0
    labels = data.labels[held_out]

    def run(settings: Sequence[Setting], kept: int) -> list[_Found]:
        trials = Trials(counted, data.labels, assigned, settings, plan.batch, plan.seed)
        return _run(trials, held_out, labels, among.passes, kept, on_step)

    compared = run(among.settings, kept=1)
    default, best = compared[0], min(compared, key=lambda each: min(each.losses))
    variants = among.variants(best.setting, data.labels)
    if variants:
        best = min([best, *run(variants, kept=0)], key=lambda each: min(each.losses))
    share = float(labels.mean())
    equal = EQUAL * -(share * math.log(share) + (1 - share) * math.log(1 - share))
    if min(default.losses) <= min(best.losses) + equal:
        best = default
    enough = min(best.losses) + equal
    passes = next(number for number, loss in enumerate(best.losses, 1) if loss <= enough)
    passes = passes if among.is_search else among.passes
    right = (best.fits[passes - 1].logits(best.margins[passes - 1]) >= 0) == labels
    return Chosen(
        plan._replace(**best.setting._asdict(), epochs=passes),
        tuple(best.fits),
        len(among.settings) + len(variants),
        count,
        len(labels),
        best is default,
        best.losses[passes - 1],
        float(right.mean()),
    )


def _run(
    trials: Trials,
    held_out: npt.NDArray[np.bool_],
    labels: npt.NDArray[np.bool_],
    passes: int,
    kept: int,
    on_step: Callable[[], None],
) -> list[_Found]:
    """Train settings, the worse ones only for a while; return those that were trained to the end.

    The first `kept` are trained to the end however they do.
    """
    found = [_Found(setting, [], [], []) for setting in trials.settings]
    for number in range(1, passes + 1):
        for each, margins in zip(found, trials.take_pass(on_step)[:, held_out], strict=True):
            each.margins.append(margins)
            each.fits.append(platt(margins, labels))
            each.losses.append(round(each.fits[-1].log_loss(margins, labels), 6))
        if number in HALVED_AFTER and len(found) > 1:
            order = sorted(range(kept, len(found)), key=lambda index: found[index].losses[-1])
            which = [*range(kept), *sorted(order[: -(-len(order) // 2)])]
            trials.keep(which)
            found = [found[index] for index in which]
    return found


def _sample(labels: npt.NDArray[np.bool_], seed: int) -> npt.NDArray[np.int64]:
    """Row numbers of SAMPLE messages, ascending: labels in their proportion, but RARE of each if there are so many."""
    random = np.random.RandomState(seed)
    of_spam = round(SAMPLE * float(labels.mean()))
    parts = []
    for mine, share in ((labels, of_spam), (~labels, SAMPLE - of_spam)):
        members = np.flatnonzero(mine)
        other = SAMPLE - min(RARE, len(labels) - len(members))
        parts.append(random.permutation(members)[: min(max(share, RARE), other)])
    return np.sort(np.concatenate(parts))


def _calibrated(data: Labelled, chosen: Chosen, on_step: Callable[[], None]) -> Chosen:
    """Train without a part of the messages, and calibrate on that part."""
    rarer = _rarer(data.labels)
    assigned = splitting.stratified(data.labels, 20 if rarer >= 400 else _folds(data.labels), chosen.plan.seed)
    is_rare = data.labels == (data.labels.sum() == rarer)
    held_out = assigned == np.argmax(np.bincount(assigned[is_rare]))
    margins = np.zeros(int(held_out.sum()), np.float32)
    rest = Labelled(data.texts[~held_out], data.labels[~held_out])
    with train.trained(rest, chosen.plan, lambda _step, _loss: on_step()) as (session, parts, _):
        texts = data.texts[held_out]
        for start in range(0, len(texts), 1024):
            margins[start : start + 1024] = session.run("logit:0", {parts.text: texts[start : start + 1024]})
    labels = data.labels[held_out]
    fit = platt(margins, labels)
    right = float(((fit.logits(margins) >= 0) == labels).mean())
    return chosen._replace(
        calibrations=(fit,), held_out=len(labels), log_loss=fit.log_loss(margins, labels), accuracy=right
    )


def lines(chosen: Chosen, where: str = "") -> list[str]:
    """What was chosen and why, for people, in lines of 80 columns."""
    plan = chosen.plan
    settings = (
        f"L2 {plan.l2:g}, learning rate {plan.learning_rate:g}, spam weight {plan.spam_weight:.3g}, "
        f"n-grams {'by how telling they are' if plan.telling else 'alike'}, "
        f"intercept {'held' if plan.intercept_l2 else 'free'}, {plan.epochs} pass{'es' if plan.epochs > 1 else ''}"
    )
    if not chosen.folds:
        return textwrap.wrap(f"nothing chosen{where}, too few messages of one label; not calibrated: {settings}", 80)
    if chosen.compared > 1:
        why = "as good as the best" if chosen.is_default else "the best"
        how = f"chosen{where}, {why} of {chosen.compared} settings on {chosen.folds} inner folds: {settings}"
    else:
        how = f"defaults taken{where}: {settings}"
    fit = chosen.calibrations[min(plan.epochs, len(chosen.calibrations)) - 1]
    found = (
        "told apart no better than by chance: every score is the share of spam"
        if fit.scale == 0
        else f"log loss {chosen.log_loss:.4f}, {chosen.accuracy:.2%} right at 0.5; margins times {fit.scale:.3g}, "
        f"{fit.shift:+.3g}"
    )
    return [*textwrap.wrap(how, 80), *textwrap.wrap(f"calibrated on {chosen.held_out} held out: {found}", 80)]
