"""A training run that lives in a directory: it saves as it goes, tells TensorBoard, and stops when asked."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tensorflow.compat import v1

from model.checkpoints import checkpoint, saving
from model.errors import InterruptedRunError, ModelError
from model.training import summaries, train


class Place(NamedTuple):
    """Where a run keeps what it makes."""

    checkpoints: Path
    policy: saving.Policy
    summaries: Path | None  # None: no summaries


def go_on(
    session: v1.Session,
    task: train.Task,
    inputs: npt.NDArray[Any],
    labels: npt.NDArray[np.bool_],
    plan: train.Plan,
    place: Place,
    done: int,
    on_step: Callable[[int, float], None],
    stop: Callable[[], bool] = lambda: False,
) -> str:
    """Take the plan's steps after the first `done`; return the prefix of the last one's checkpoint.

    `stop` is asked after each step: if it says so, a checkpoint is saved and InterruptedRunError raised. ModelError if
    more steps are done than the plan has.
    """
    total = plan.total_steps(len(inputs))
    if done >= total:
        if done > total:
            raise ModelError(
                f"{place.checkpoints} has a run of {done} steps, more than the {total} asked for: --from-step N goes "
                "on from an earlier checkpoint, --again starts over"
            )
        return f"{place.checkpoints}/{checkpoint.BASENAME}-{done}"
    writer = saving.Writer(session, place.checkpoints, place.policy)
    prefix = ""
    with summaries.Writer(place.summaries, session.graph, done) as board:
        began = time.perf_counter()
        for step, loss in train.steps(session, task, inputs, labels, plan, done):
            on_step(step, loss)
            speed = (step - done) * plan.batch / (time.perf_counter() - began)
            board.add(step, {"loss": loss, "epoch": step * plan.batch / len(inputs), "messages_per_second": speed})
            stopped = stop()
            if stopped or step == total or step % place.policy.every == 0:
                session.run(task.settle)
                prefix = writer.save(step)
                board.flush()
            if stopped and step < total:
                raise InterruptedRunError(f"interrupted at step {step}; the same command goes on from there")
    return prefix
