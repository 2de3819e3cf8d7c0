"""All states within so many steps of an empty server, each step checked as in a random run."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.ledger.actions import ACTIONS, Action
from tests.ledger.model import HASH, Model
from tests.ledger.runs import Violation, check, play, shortened
from tests.ledger.world import World

# What is only counted or told, and decides nothing: states that differ in nothing else are one.
_TOLD = (
    "redelivered", "duplicates", "resent", "leases_lost", "last_error", "left", "attempts", "created", "started",
    "error",
)  # fmt: skip


class Explored(NamedTuple):
    depth: int  # all states within so many steps were left by every action
    states: int
    steps: int


class _Place(NamedTuple):
    model: Model
    trace: tuple[Action, ...]


def explore(
    world: World, seconds: float, depth: int = 100, tell: Callable[[Explored], None] = lambda _: None
) -> Explored:
    """Breadth first, until the time is over or `depth` is reached. Raises Violation, with the shortest trace found."""
    until = time.monotonic() + seconds
    places, seen, steps = [_Place(Model(), ())], {_identity(Model())}, 0
    found = Explored(0, 1, 0)
    for level in range(1, depth + 1):
        following: list[_Place] = []
        for place in places:
            if time.monotonic() > until:
                return Explored(level - 1, len(seen), steps)
            steps += len(ACTIONS)
            for after, action in _leave(world, place):
                identity = _identity(after)
                if identity not in seen:
                    seen.add(identity)
                    following.append(_Place(after, (*place.trace, action)))
        places = following
        found = Explored(level, len(seen), steps)
        tell(found)
    return found


def _leave(world: World, place: _Place) -> list[tuple[Model, Action]]:
    """By every action, in one round trip; the place is restored where the one before should have changed it."""
    play(world, place.trace)
    saved = world.save()
    expected = [place.model.step(action)[1] for action in ACTIONS]
    same = [after.keys == place.model.keys and after.now == place.model.now for after in expected]
    plan = [(None if number == 0 or same[number - 1] else saved, action) for number, action in enumerate(ACTIONS)]
    for action, (reply, keys) in zip(ACTIONS, world.steps(plan), strict=True):
        try:
            check(place.model, action, reply, keys)
        except Violation as violation:
            raise shortened(world, Violation(violation.what, (*place.trace, action))) from None
    return [(after, action) for after, action, idle in zip(expected, ACTIONS, same, strict=True) if not idle]


def _identity(model: Model) -> int:
    """Equal for states from which the same can follow: times count from now on."""
    keys: dict[str, Any] = {
        name: value for name, value in model.keys.items() if not name.endswith((":timeline", ":events"))
    }
    if HASH in keys:
        keys[HASH] = {name: value for name, value in keys[HASH].items() if name not in _TOLD}
        if "finished" in keys[HASH]:
            keys[HASH]["finished"] = min(model.now - keys[HASH]["finished"], 1000)  # `erase` asks for a second at most
    for suffix in ("queued", "leased"):
        times = keys.get(f"{HASH}:{suffix}", {})
        keys[f"{HASH}:{suffix}"] = {name: _ago(model.now, moment) for name, moment in times.items()}
    keys.pop("2:jobs", None)
    return hash(repr(sorted((name, _sorted(value)) for name, value in keys.items())))


def _ago(now: int, moment: int) -> int | str:
    return "used up" if moment == 0 else min(now - moment, 100)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted(value.items())
    return sorted(value) if isinstance(value, set) else value
