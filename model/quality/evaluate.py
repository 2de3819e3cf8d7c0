"""Scoring labelled messages: with a frozen graph, and by cross-validation with models that never saw them."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.corpus import Labelled
from model.errors import ModelError
from model.graph import freeze, frozen
from model.quality import folds as splitting
from model.training import train
from model.training.choice import Chosen

MICRO_BATCH = 1024  # messages per sess.run; more would leave the cache


def score(graph: tf.Graph, texts: npt.NDArray[np.object_]) -> npt.NDArray[np.float32]:
    """Run texts [N] (bytes) through a frozen graph's `text` and `score`: float32 [N].

    ModelError if it lacks them, cannot run on texts alone, or gives anything but one score a text.
    """
    text, output = frozen.tensor(graph, "text"), frozen.tensor(graph, "score")
    if text.dtype != tf.string or not (output.dtype.is_floating or output.dtype.is_integer):
        raise ModelError(f"'text' is {text.dtype.name} and 'score' is {output.dtype.name}, not string and a number")
    parts = [np.zeros(0, np.float32)]
    with v1.Session(graph=graph) as session:
        run = session.make_callable(output, feed_list=[text])
        for start in range(0, len(texts), MICRO_BATCH):
            batch = texts[start : start + MICRO_BATCH]
            try:
                found = np.asarray(run(batch), np.float32)
            except (tf.errors.OpError, ValueError) as error:
                raise ModelError(f"the graph cannot score texts: {getattr(error, 'message', error)}") from None
            if found.shape not in ((len(batch),), (len(batch), 1)):
                raise ModelError(
                    f"'score' has the shape {list(found.shape)} for {len(batch)} texts, not one score each"
                )
            parts.append(found.ravel())
    return np.concatenate(parts)


def probabilities(graph: tf.Graph, texts: npt.NDArray[np.object_]) -> npt.NDArray[np.float32]:
    """Score texts [N] as `score` does, and raise ModelError if a score is nan or outside [0, 1]."""
    found = score(graph, texts)
    odd = np.flatnonzero(~((found >= 0) & (found <= 1)))
    if len(odd):
        raise ModelError(f"message {odd[0] + 1} has the score {found[odd[0]]}: not a probability of spam, in [0, 1]")
    return found


def training_parts(data: Labelled, folds: int, seed: int = 0) -> list[Labelled]:
    """What each of stratified folds leaves to train on."""
    assigned = splitting.stratified(data.labels, folds, seed)
    return [Labelled(data.texts[assigned != fold], data.labels[assigned != fold]) for fold in range(folds)]


def cross_validate(
    data: Labelled,
    chosen: Sequence[Chosen],
    seed: int = 0,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> npt.NDArray[np.float32]:
    """Score each message by a model that never saw it: train on the other folds, freeze, load, score. float32 [N].

    There are as many folds as are `chosen`, each one by its fold's part of `training_parts` alone.
    """
    assigned = splitting.stratified(data.labels, len(chosen), seed)
    scores = np.zeros(len(data.texts), np.float32)
    for fold, (part, each) in enumerate(zip(training_parts(data, len(chosen), seed), chosen, strict=True)):
        with train.trained(part, each.plan, on_step, each.calibrations) as result:
            content = freeze.freeze(result.session)
        held_out = assigned == fold
        scores[held_out] = score(frozen.load(content), data.texts[held_out])
    return scores
