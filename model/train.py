"""Training the spam classifier: shuffled mini-batches, logistic loss, FTRL with L2. Same seed, same weights."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.compat import v1

from model import spam
from model.corpus import Labelled


class Plan(NamedTuple):
    """How to train. `steps`, when given, wins over `epochs`."""

    epochs: int = 8
    steps: int | None = None
    batch: int = 64  # messages a step
    seed: int = 0
    learning_rate: float = 20.0
    l2: float = 1e-3
    spam_weight: float = 8.0  # one spam message counts as much as so many ham

    def total_steps(self, messages: int) -> int:
        """How many steps this plan takes over so many messages."""
        return self.steps if self.steps is not None else self.epochs * -(-messages // self.batch)


class Trained(NamedTuple):
    """A session that holds trained, quantised weights, and the graph's parts."""

    session: v1.Session
    parts: spam.Spam
    step: int


def single_threaded() -> v1.ConfigProto:
    """A session config under which float sums have one order, so that training is reproducible."""
    return v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, device_count={"GPU": 0})


@contextmanager
def trained(
    data: Labelled, plan: Plan, on_step: Callable[[int, float], None] = lambda _step, _loss: None
) -> Iterator[Trained]:
    """Build the classifier in a graph of its own, train it on `data`, and yield it ready to be saved or frozen.

    `on_step` hears each finished step (from 1) and its mean loss in nats. The optimiser is McMahan et al., "Ad click
    prediction: a view from the trenches" (KDD 2013): made for sparse logistic regression, and untouched weights stay 0.
    """
    with v1.Graph().as_default() as graph:
        parts = spam.build()
        label = v1.placeholder(tf.float32, [None], name="label")
        loss = tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(label, parts.logits, plan.spam_weight))
        step = v1.train.get_or_create_global_step()
        optimiser = v1.train.FtrlOptimizer(plan.learning_rate, l2_regularization_strength=plan.l2)
        minimise = optimiser.minimize(loss, global_step=step)
        initialise = v1.global_variables_initializer()
    with v1.Session(graph=graph, config=single_threaded()) as session:
        session.run(initialise)
        done = 0
        for rows in _batches(len(data.texts), plan):
            feeds = {parts.text: data.texts[rows], label: data.labels[rows]}
            _, value = session.run([minimise, loss], feeds)
            done += 1
            on_step(done, float(value))
        session.run(parts.quantise)
        yield Trained(session, parts, done)


def _batches(messages: int, plan: Plan) -> Iterator[np.ndarray]:
    """Yield each step's row numbers: every epoch a new shuffle, every row once in it."""
    random = np.random.RandomState(plan.seed)
    remaining = plan.total_steps(messages)
    while remaining > 0:
        order = random.permutation(messages)
        for start in range(0, messages, plan.batch):
            if remaining == 0:
                return
            yield order[start : start + plan.batch]
            remaining -= 1
