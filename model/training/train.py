"""Training the spam classifier: shuffled mini-batches, logistic loss, AdaGrad with L2. Same seed, same weights.

`steps` is the loop, for any graph; `objective` is what this classifier minimises.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.corpus import Labelled
from model.errors import ModelError
from model.training import resume, spam

TEMPERATURE = 3.0  # L2 makes logits timid; so much larger, scores on unseen messages are closest to probabilities


class Plan(NamedTuple):
    """How to train. `steps`, when given, wins over `epochs`."""

    epochs: int = 8
    steps: int | None = None
    batch: int = 64  # messages a step
    seed: int = 0
    learning_rate: float = 1.5
    l2: float = 1e-3  # of each weight squared, once for every n-gram in a message that has it
    spam_weight: float = 5.0  # of a spam message; times the ham messages to each spam one for the spam classifier

    def total_steps(self, messages: int) -> int:
        """How many steps this plan takes over so many messages."""
        return self.steps if self.steps is not None else self.epochs * -(-messages // self.batch)

    def terms(self) -> dict[str, float]:
        """All that decides what a step does. How many there are does not: a longer run goes on from a shorter one."""
        return {name: value for name, value in self._asdict().items() if name not in ("epochs", "steps")}


class Task(NamedTuple):
    """What the loop needs to know of a graph. The global step counts its steps."""

    inputs: tf.Tensor  # [N, ...]: fed with a mini-batch's rows
    label: tf.Tensor  # placeholder, float32 [N]: 1 for spam
    loss: tf.Tensor  # scalar
    minimise: tf.Operation
    settle: tf.Operation  # derives what is served from what is trained; run before saving


class Prepared(NamedTuple):
    """A graph to train, in a session that has not initialised its variables."""

    session: v1.Session
    parts: spam.Spam
    task: Task


class Trained(NamedTuple):
    """A session that holds trained, quantised weights, and the graph's parts."""

    session: v1.Session
    parts: spam.Spam
    step: int


def single_threaded() -> v1.ConfigProto:
    """A session config under which float sums have one order, so that training is reproducible."""
    return v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, device_count={"GPU": 0})


def objective(parts: spam.Spam, label: tf.Tensor, plan: Plan, odds: float) -> tuple[tf.Tensor, tf.Operation]:
    """Add the loss, mean nats a message, and the operation that takes a step to lessen it.

    `odds` is how many ham messages there are to each spam one. L2 counts a weight as often as its n-gram: rare n-grams,
    which tell most, are shrunk least. The optimiser is AdaGrad (Duchi, Hazan and Singer, JMLR 2011): made for sparse
    features, and untouched weights stay 0.
    """
    # A stable name, for those who build on this graph.
    logit = tf.identity(parts.logits, name="logit")
    losses = tf.nn.weighted_cross_entropy_with_logits(label, logit / TEMPERATURE, plan.spam_weight * odds)
    loss = tf.reduce_mean(losses) + plan.l2 * parts.squares / tf.cast(tf.size(label), tf.float32)
    optimiser = v1.train.AdagradOptimizer(plan.learning_rate, initial_accumulator_value=1e-5)
    return loss, optimiser.minimize(loss, global_step=v1.train.get_or_create_global_step())


@contextmanager
def prepared(plan: Plan, labels: npt.NDArray[np.bool_], terms: resume.Terms | None = None) -> Iterator[Prepared]:
    """Build the classifier and its objective for messages with `labels` [N] in a graph of its own.

    `terms` become part of its checkpoints.
    """
    odds = max(int((~labels).sum()), 1) / max(int(labels.sum()), 1)
    with v1.Graph().as_default() as graph:
        parts = spam.build()
        label = v1.placeholder(tf.float32, [None], name="label")
        loss, minimise = objective(parts, label, plan, odds)
        if terms is not None:
            resume.record(terms)
    with v1.Session(graph=graph, config=single_threaded()) as session:
        yield Prepared(session, parts, Task(parts.text, label, loss, minimise, parts.quantise))


@contextmanager
def trained(
    data: Labelled, plan: Plan, on_step: Callable[[int, float], None] = lambda _step, _loss: None
) -> Iterator[Trained]:
    """Train the classifier on `data` and yield it ready to be saved or frozen.

    `on_step` hears each finished step (from 1) and its mean loss in nats.
    """
    with prepared(plan, data.labels) as (session, parts, task):
        with session.graph.as_default():
            session.run(v1.global_variables_initializer())
        done = 0
        for done, loss in steps(session, task, data.texts, data.labels, plan):
            on_step(done, loss)
        session.run(task.settle)
        yield Trained(session, parts, done)


def steps(
    session: v1.Session,
    task: Task,
    inputs: npt.NDArray[Any],
    labels: npt.NDArray[np.bool_],
    plan: Plan,
    done: int = 0,
) -> Iterator[tuple[int, float]]:
    """Take the plan's steps after the first `done`; yield each one's number and loss. ModelError if not finite."""
    for step, rows in enumerate(batches(len(inputs), plan, done), done + 1):
        _, value = session.run([task.minimise, task.loss], {task.inputs: inputs[rows], task.label: labels[rows]})
        if not math.isfinite(value):
            raise ModelError(f"the loss is {value} at step {step}: nothing can be learnt from there on")
        yield step, float(value)


def batches(messages: int, plan: Plan, done: int = 0) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the row numbers of each step after the first `done`: every epoch a new shuffle, every row once in it.

    They follow from the seed and the step alone, so that a run can be taken up anywhere.
    """
    random = np.random.RandomState(plan.seed)
    an_epoch = -(-messages // plan.batch)
    for _ in range(done // an_epoch):
        random.permutation(messages)
    remaining = plan.total_steps(messages) - done
    skip = done % an_epoch
    while remaining > 0:
        order = random.permutation(messages)
        for start in islice(range(0, messages, plan.batch), skip, skip + remaining):
            yield order[start : start + plan.batch]
            remaining -= 1
        skip = 0
