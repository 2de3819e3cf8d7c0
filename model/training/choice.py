"""Choosing how to train, for each corpus anew: what does best on messages that were held out, and calibrating by them.

A small grid is trained on inner folds of the messages, all at once (`trials.py`); the worse half ends early, twice.
Settings are compared by the log loss of held-out messages after calibration: it asks for right probabilities, not only
for the right side of one threshold, so that the choice hangs on no class weight and no temperature.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from model.corpus import Labelled
from model.quality import folds as splitting
from model.quality.calibration import Platt, platt
from model.training import ngrams, train
from model.training.trials import Setting, Trials

FOLDS = 5
MOST_PASSES = 10
HALVED_AFTER = (2, 5)  # passes
PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2)
LEARNING_RATES = (1.0, 0.3)  # the second one is tried with the best of the rest
TELLING = (0.0, 1.0)
UNEVEN = 1.5  # messages of one label to each of the other, from where spam's weight is in question
NEGLIGIBLE = 0.01  # of the log loss: fewer passes are preferred to that
SAMPLE = 8000  # messages that a choice is made on; more of them change it little
RARE = 1000  # of each label that a sample keeps, if there are so many

_CHOSEN = Setting._fields


class Chosen(NamedTuple):
    """How to train, and what calibrates the result after each pass; the last one holds for all later passes."""

    plan: train.Plan
    calibrations: tuple[Platt, ...] = train.UNCALIBRATED
    compared: int = 0  # settings
    folds: int = 0
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


class Grid(NamedTuple):
    """What is compared. A value that the user gave is the only one."""

    penalties: tuple[float, ...] = PENALTIES
    learning_rates: tuple[float, ...] = LEARNING_RATES
    spam_weight: float | None = None  # None: 1, and what makes both labels weigh the same or half-way to it
    passes: int = MOST_PASSES
    is_search: bool = True

    @property
    def settings(self) -> list[Setting]:
        """What is compared first."""
        weight = 1.0 if self.spam_weight is None else self.spam_weight
        telling = TELLING if self.is_search else TELLING[:1]
        return [Setting(l2, self.learning_rates[0], weight, each) for l2 in self.penalties for each in telling]

    def variants(self, best: Setting, labels: npt.NDArray[np.bool_]) -> list[Setting]:
        """What is compared with the best of those: other learning rates, and other weights of spam."""
        odds = float((~labels).sum() / labels.sum())
        uneven = self.is_search and self.spam_weight is None and max(odds, 1 / odds) >= UNEVEN
        return [
            *(best._replace(learning_rate=rate) for rate in self.learning_rates[1:]),
            *(best._replace(spam_weight=weight) for weight in ((math.sqrt(odds), odds) if uneven else ())),
        ]


def grid(
    *, fast: bool = False, l2: float | None = None, learning_rate: float | None = None, spam_weight: float | None = None
) -> Grid:
    """What to compare where these are given. `fast`: nothing, the defaults are taken for the rest."""
    defaults = train.Plan()
    found = (
        Grid((defaults.l2,), (defaults.learning_rate,), defaults.spam_weight, defaults.epochs, is_search=False)
        if fast
        else Grid()
    )
    found = found._replace(penalties=(l2,)) if l2 is not None else found
    found = found._replace(learning_rates=(learning_rate,)) if learning_rate is not None else found
    return found._replace(spam_weight=spam_weight) if spam_weight is not None else found


def choose(data: Labelled, plan: train.Plan, among: Grid, on_step: Callable[[], None] = lambda: None) -> Chosen:
    """Choose settings among a grid's, how many passes to take, and what calibrates the scores, on inner folds.

    What of `plan` is not chosen stays. `on_step` hears each of `effort` mini-batches. With fewer than two messages of a
    label nothing can be held out: then the grid's defaults are taken, uncalibrated. More than SAMPLE messages: the
    settings are chosen on a sample, and a model that lacks a part of all messages is calibrated on that part.
    """
    count = _folds(data.labels)
    if count < 2:
        return Chosen(plan._replace(**_unseen(among)._asdict(), epochs=train.Plan().epochs))
    if len(data.texts) <= SAMPLE:
        return _choose(data, plan, among, count, on_step)
    rows = _sample(data.labels, plan.seed)
    found = _choose(Labelled(data.texts[rows], data.labels[rows]), plan, among, count, on_step)
    # The more messages, the fewer passes: each one is a step further, and steps that AdaGrad takes become small.
    passes = max(1, round(found.plan.epochs * math.sqrt(SAMPLE / len(data.texts))))
    return _calibrated(data, found._replace(plan=found.plan._replace(epochs=passes)), on_step)


def effort(labels: npt.NDArray[np.bool_], plan: train.Plan, among: Grid) -> int:
    """How many mini-batches a choice goes through at most, for messages with `labels` [N]."""
    if _folds(labels) < 2:
        return 0
    rounds = 2 if among.variants(among.settings[0], labels) else 1
    found = rounds * among.passes * plan.steps_a_pass(min(len(labels), SAMPLE))
    if len(labels) > SAMPLE:
        passes = max(1, round(among.passes * math.sqrt(SAMPLE / len(labels))))
        found += passes * plan.steps_a_pass(len(labels))
    return found


def _unseen(among: Grid) -> Setting:
    """Without any held-out message: what was given, else the defaults."""
    defaults = train.Plan()
    return Setting(
        among.penalties[0] if len(among.penalties) == 1 else defaults.l2,
        among.learning_rates[0] if len(among.learning_rates) == 1 else defaults.learning_rate,
        among.spam_weight if among.spam_weight is not None else defaults.spam_weight,
    )


def _folds(labels: npt.NDArray[np.bool_]) -> int:
    return min(FOLDS, int(labels.sum()), int((~labels).sum()))


class _Found(NamedTuple):
    setting: Setting
    fits: list[Platt]  # after each pass
    losses: list[float]  # with these
    margins: list[npt.NDArray[np.float32]]  # of all messages, held out


def _choose(data: Labelled, plan: train.Plan, among: Grid, count: int, on_step: Callable[[], None]) -> Chosen:
    counted = ngrams.count(data.texts)
    assigned = splitting.stratified(data.labels, count, plan.seed)

    def run(settings: Sequence[Setting]) -> list[_Found]:
        trials = Trials(counted, data.labels, assigned, settings, plan.batch, plan.seed)
        return _run(trials, data.labels, among.passes, on_step)

    compared = run(among.settings)
    best = min(compared, key=lambda each: min(each.losses))
    variants = among.variants(best.setting, data.labels)
    if variants:
        compared += run(variants)
        best = min(compared, key=lambda each: min(each.losses))
    enough = min(best.losses) * (1 + NEGLIGIBLE)
    passes = next(number for number, loss in enumerate(best.losses, 1) if loss <= enough)
    passes = passes if among.is_search else among.passes
    right = (best.fits[passes - 1].logits(best.margins[passes - 1]) >= 0) == data.labels
    chosen = plan._replace(**best.setting._asdict(), epochs=passes)
    tried = len(among.settings) + len(variants)
    return Chosen(chosen, tuple(best.fits), tried, count, best.losses[passes - 1], float(right.mean()))


def _run(trials: Trials, labels: npt.NDArray[np.bool_], passes: int, on_step: Callable[[], None]) -> list[_Found]:
    """Train settings, the worse ones only for a while; return those that were trained to the end."""
    found = [_Found(setting, [], [], []) for setting in trials.settings]
    for number in range(1, passes + 1):
        for each, margins in zip(found, trials.take_pass(on_step), strict=True):
            each.margins.append(margins)
            each.fits.append(platt(margins, labels))
            each.losses.append(round(each.fits[-1].log_loss(margins, labels), 6))
        if number in HALVED_AFTER and len(found) > 1:
            order = sorted(range(len(found)), key=lambda index: found[index].losses[-1])
            which = sorted(order[: -(-len(found) // 2)])
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
    rarer = min(int(data.labels.sum()), int((~data.labels).sum()))
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
    return chosen._replace(calibrations=(fit,), log_loss=fit.log_loss(margins, labels), accuracy=right)


def lines(chosen: Chosen, where: str = "") -> list[str]:
    """What was chosen and why, for people."""
    plan = chosen.plan
    settings = (
        f"L2 {plan.l2:g}, learning rate {plan.learning_rate:g}, spam weight {plan.spam_weight:.3g}, n-grams "
        f"{'by how telling they are' if plan.telling else 'all alike'}"
    )
    if not chosen.folds:
        return [
            f"too few messages of one label to hold any out{where}: defaults ({settings}), and scores that are not "
            "calibrated"
        ]
    how = f"chosen{where} among {chosen.compared} settings" if chosen.compared > 1 else f"taken{where}"
    passes = f"{plan.epochs} pass{'es' if plan.epochs > 1 else ''}"
    fit = chosen.calibrations[min(plan.epochs, len(chosen.calibrations)) - 1]
    found = [
        f"{how} on {chosen.folds} inner folds: {settings}, {passes}; of held-out messages {chosen.accuracy:.2%} are "
        f"right at 0.5, log loss {chosen.log_loss:.4f}",
    ]
    if fit.scale == 0:
        found.append("held-out messages are told apart no better than by chance: every score is the share of spam")
    else:
        found.append(f"calibrated on the same held-out messages: margins times {fit.scale:.3g}, {fit.shift:+.3g}")
    return found
