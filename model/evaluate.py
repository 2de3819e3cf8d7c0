"""How good a frozen spam classifier is: counts and rates on labelled messages, and cross-validation."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model import freeze, frozen, train
from model.corpus import Labelled

MICRO_BATCH = 1024  # messages per sess.run; more would leave the cache


class Metrics(NamedTuple):
    """Counts of messages at a threshold; positive means spam. A rate whose denominator is 0 is 0."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def messages(self) -> int:
        return sum(self)

    @property
    def accuracy(self) -> float:
        return _ratio(self.true_positives + self.true_negatives, self.messages)

    @property
    def precision(self) -> float:
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    def as_dict(self) -> dict[str, float]:
        """Everything, in the order people read it."""
        rates = {name: round(getattr(self, name), 6) for name in ("accuracy", "precision", "recall", "f1")}
        return {"messages": self.messages, **rates, **self._asdict()}


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def metrics(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float = 0.5) -> Metrics:
    """Compare scores [N] with labels [N]; a score of at least `threshold` says spam."""
    said = scores >= threshold
    return Metrics(
        int((said & labels).sum()),
        int((said & ~labels).sum()),
        int((~said & ~labels).sum()),
        int((~said & labels).sum()),
    )


def score(graph: tf.Graph, texts: npt.NDArray[np.object_]) -> npt.NDArray[np.float32]:
    """Run texts [N] (bytes) through a frozen graph's `text` and `score`: float32 [N]. ModelError if it lacks them."""
    text, output = frozen.tensor(graph, "text"), frozen.tensor(graph, "score")
    with v1.Session(graph=graph) as session:
        run = session.make_callable(output, feed_list=[text])
        parts = [run(texts[start : start + MICRO_BATCH]) for start in range(0, len(texts), MICRO_BATCH)]
    return np.concatenate([np.zeros(0, np.float32), *parts])


def stratified_folds(labels: npt.NDArray[np.bool_], folds: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Assign each row to one of `folds`, each with the same share of spam: int64 [N].

    The assignment of scikit-learn's `StratifiedKFold(folds, shuffle=True, random_state=seed)`, row for row, so that
    figures compare.
    """
    random = np.random.RandomState(seed)
    classes, encoded = np.unique(labels, return_inverse=True)
    # scikit-learn numbers the classes by first appearance, and draws in that order.
    by_appearance = sorted(range(len(classes)), key=lambda each: int(np.argmax(encoded == each)))
    encoded = np.argsort(by_appearance)[encoded]
    in_order = np.sort(encoded)
    assigned = np.empty(len(labels), np.int64)
    for each in range(len(classes)):
        shares = [int((in_order[fold::folds] == each).sum()) for fold in range(folds)]
        members = np.arange(folds).repeat(shares)
        random.shuffle(members)
        assigned[encoded == each] = members
    return assigned


def training_rows(labels: npt.NDArray[np.bool_], folds: int, seed: int = 0) -> list[int]:
    """How many rows each fold's model is trained on."""
    return [int(size) for size in len(labels) - np.bincount(stratified_folds(labels, folds, seed), minlength=folds)]


def cross_validate(
    data: Labelled,
    plan: train.Plan,
    folds: int = 5,
    seed: int = 0,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> npt.NDArray[np.float32]:
    """Score each message by a model that never saw it: train on the other folds, freeze, load, score. float32 [N]."""
    assigned = stratified_folds(data.labels, folds, seed)
    scores = np.zeros(len(data.texts), np.float32)
    for fold in range(folds):
        held_out = assigned == fold
        with train.trained(Labelled(data.texts[~held_out], data.labels[~held_out]), plan, on_step) as result:
            content = freeze.freeze(result.session)
        scores[held_out] = score(frozen.load(content), data.texts[held_out])
    return scores
