"""Training the spam classifier: shuffled mini-batches, logistic loss, AdaGrad with L2. Same seed, same weights.

`steps` is the loop, for any graph; `objective` is what this classifier minimises.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.corpus import Labelled
from model.errors import ModelError
from model.quality.calibration import Platt
from model.training import ngrams, resume, spam

ACCUMULATOR = 1e-4  # what AdaGrad's sums of squared gradients begin with: nothing, beside the first gradient's
UNCALIBRATED = (Platt(1.0, 0.0),)


class Plan(NamedTuple):
    """How to train. `steps`, when given, wins over `epochs`. What is chosen for each corpus has defaults here that are
    good enough on many: `choice.choose` finds better ones."""

    epochs: int = 6
    steps: int | None = None
    batch: int = 64  # messages a step
    seed: int = 0
    learning_rate: float = 0.3
    l2: float = 3e-3  # of each weight squared, once for every n-gram in a message that has it
    spam_weight: float = 1.0  # of a spam message; a ham message has 1
    telling: float = 1.0  # 1: n-grams count by how telling they are (`ngrams.log_ratios`); 0: all alike
    intercept_l2: float = 0.01  # of the intercept squared: how far messages with nothing telling may be from even odds

    def total_steps(self, messages: int) -> int:
        """How many steps this plan takes over so many messages."""
        return self.steps if self.steps is not None else self.epochs * self.steps_a_pass(messages)

    def steps_a_pass(self, messages: int) -> int:
        """How many steps go through all messages once."""
        return -(-messages // self.batch)

    def terms(self) -> dict[str, float]:
        """All that decides what a step does. How many there are does not: a longer run goes on from a shorter one."""
        return {name: value for name, value in self._asdict().items() if name not in ("epochs", "steps")}


class Task(NamedTuple):
    """What the loop needs to know of a graph. The global step counts its steps."""

    inputs: tf.Tensor  # [N, ...]: fed with a mini-batch's rows
    label: tf.Tensor  # placeholder, float32 [N]: 1 for spam
    loss: tf.Tensor  # scalar
    minimise: tf.Operation
    pass_ends: tf.Operation  # run after the last step of each pass over the messages
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


def mean_rate(passes: int) -> float:
    """What share the trained weights have in their running mean once so many passes are over, from 1.

    So a pass counts as often as its number: what the last mini-batches did to the weights is averaged out, and early
    passes fade. It needs not know how many there will be (Shamir and Zhang, ICML 2013: polynomial-decay averaging).
    """
    return 2 / (passes + 1)


def objective(parts: spam.Spam, label: tf.Tensor, plan: Plan) -> tuple[tf.Tensor, tf.Operation]:
    """Add the loss, mean nats a message, and the operation that takes a step to lessen it.

    L2 counts a weight as often as its n-gram: rare n-grams, which tell most, are shrunk least. The optimiser is AdaGrad
    (Duchi, Hazan and Singer, JMLR 2011): made for sparse features, and untouched weights stay 0.
    """
    # Not tf.nn.weighted_cross_entropy_with_logits: its gradient is wrong at 0, where each margin begins.
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=parts.margins)
    losses *= 1 + (plan.spam_weight - 1) * label
    loss = tf.reduce_mean(losses) + plan.l2 * parts.squares / tf.cast(tf.size(label), tf.float32)
    loss += plan.intercept_l2 * tf.square(parts.intercept)
    optimiser = v1.train.AdagradOptimizer(plan.learning_rate, initial_accumulator_value=ACCUMULATOR)
    return loss, optimiser.minimize(loss, global_step=v1.train.get_or_create_global_step())


def _serving(a_pass: int, calibrations: Sequence[Platt]) -> spam.Serving:
    """What is served at the global step: the mean over passes, as if the pass under way ended there, calibrated.

    `calibrations` are those after each pass; the last one holds from there on.
    """
    step = v1.train.get_or_create_global_step()
    passes, is_end = step // a_pass, tf.equal(step % a_pass, 0)
    number = tf.cast(passes, tf.float32)
    share = tf.where(is_end & (passes > 0), 0.0, 2 / (number + 2))  # mean_rate of the next pass
    index = tf.clip_by_value(passes - tf.cast(is_end, tf.int64), 0, len(calibrations) - 1)
    scale, shift = (tf.gather(tf.constant(each, tf.float32), index) for each in zip(*calibrations, strict=True))
    return spam.Serving(scale, shift, 2 / (number + 1), share)


@contextmanager
def prepared(
    plan: Plan,
    labels: npt.NDArray[np.bool_],
    terms: resume.Terms | None = None,
    calibrations: Sequence[Platt] = UNCALIBRATED,
) -> Iterator[Prepared]:
    """Build the classifier and its objective for messages with `labels` [N] in a graph of its own.

    `terms` become part of its checkpoints. `calibrations` are those after each pass.
    """
    with v1.Graph().as_default() as graph:
        parts = spam.build(_serving(plan.steps_a_pass(len(labels)), calibrations))
        label = v1.placeholder(tf.float32, [None], name="label")
        loss, minimise = objective(parts, label, plan)
        if terms is not None:
            resume.record(terms)
    with v1.Session(graph=graph, config=single_threaded()) as session:
        yield Prepared(session, parts, Task(parts.text, label, loss, minimise, parts.average, parts.quantise))


def begin(session: v1.Session, parts: spam.Spam, data: Labelled, plan: Plan) -> None:
    """Set what training on `data` starts from, once variables are initialised: how telling each n-gram is."""
    if not plan.telling:
        return
    values = 1 + plan.telling * (ngrams.ratios(data.texts, data.labels) - 1)
    session.run(parts.ratios.initializer, {parts.ratios.initializer.inputs[1]: values})


@contextmanager
def trained(
    data: Labelled,
    plan: Plan,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
    calibrations: Sequence[Platt] = UNCALIBRATED,
) -> Iterator[Trained]:
    """Train the classifier on `data` and yield it ready to be saved or frozen.

    `on_step` hears each finished step (from 1) and its mean loss in nats.
    """
    with prepared(plan, data.labels, calibrations=calibrations) as (session, parts, task):
        with session.graph.as_default():
            session.run(v1.global_variables_initializer())
        begin(session, parts, data, plan)
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
    a_pass = plan.steps_a_pass(len(inputs))
    for step, rows in enumerate(batches(len(inputs), plan, done), done + 1):
        _, value = session.run([task.minimise, task.loss], {task.inputs: inputs[rows], task.label: labels[rows]})
        if not math.isfinite(value):
            raise ModelError(f"the loss is {value} at step {step}: nothing can be learnt from there on")
        if step % a_pass == 0:
            session.run(task.pass_ends)
        yield step, float(value)


def batches(messages: int, plan: Plan, done: int = 0) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the row numbers of each step after the first `done`: every epoch a new shuffle, every row once in it.

    They follow from the seed and the step alone, so that a run can be taken up anywhere.
    """
    random = np.random.RandomState(plan.seed)
    an_epoch = plan.steps_a_pass(messages)
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
