"""Steps of the real scripts beside the model's, and the shortest trace to where they part."""

import random
from collections.abc import Sequence
from typing import Any

from tests.ledger.actions import Action, draw
from tests.ledger.model import Model, broken, changed
from tests.ledger.world import World


class Violation(AssertionError):
    """The ledger did what the model does not, or broke an invariant. `trace` leads there from an empty server."""

    def __init__(self, what: str, trace: Sequence[Action] = ()) -> None:
        super().__init__(what)
        self.what, self.trace = what, list(trace)

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"  {number}. {action}" for number, action in enumerate(self.trace, 1))])


def check(before: Model, action: Action, reply: Any, keys: dict[str, Any]) -> Model:
    """Raises Violation if that is not what the model says; its next state."""
    expected, after = before.step(action)
    fault = broken(action, reply, before.keys, keys)
    if reply != expected:
        fault = f"{action} was answered {reply!r}, and should be {expected!r}"
    elif keys != after.keys:
        differing = {key: (keys.get(key), after.keys.get(key)) for key in sorted(changed(keys, after.keys))}
        fault = f"after {action} the server has, and should have: {differing}"
    if fault:
        raise Violation(fault)
    return after


def play(world: World, actions: Sequence[Action]) -> None:
    """From an empty server on. Raises Violation with the trace up to it."""
    world.begin()
    model = Model()
    for number, action in enumerate(actions, 1):
        try:
            model = check(model, action, *world.step(action))
        except Violation as violation:
            raise Violation(violation.what, actions[:number]) from None


def run(world: World, seed: int, steps: int, length: int = 250) -> None:
    """Random steps, the same for the same seed: stories of `length` steps, each from an empty server on. Raises
    Violation with the shortest trace that was found."""
    chance = random.Random(seed)
    for done in range(0, steps, length):
        actions = story(chance, min(length, steps - done))
        try:
            play(world, actions)
        except Violation as violation:
            raise shortened(world, violation) from None


def story(chance: random.Random, length: int) -> list[Action]:
    """Of some actions drawn, the first that changes something is the next: most change nothing, and it would not lead
    far. One in four is what comes first, whatever it does."""
    model, actions = Model(), []
    for _ in range(length):
        drawn = draw(chance, 1 if chance.random() < 0.25 else 4)
        for action in drawn:
            after = model.step(action)[1]
            if after.keys != model.keys:
                break
        actions.append(action)
        model = after
    return actions


def shortened(world: World, violation: Violation) -> Violation:
    """Steps that are not needed to break something are left out, first many at a time."""
    size = max(1, len(violation.trace) // 2)
    while True:
        for start in range(len(violation.trace) - size, -1, -size):
            fewer = violation.trace[:start] + violation.trace[start + size :]
            try:
                play(world, fewer)
            except Violation as found:
                violation = found
        if size == 1:
            return violation
        size //= 2
