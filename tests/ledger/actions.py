"""What producers, workers, a collector and a re-sender may do next: a superset of what they do, since whoever stalled
may come with anything it once knew. Of every life, in any order.

A file of twelve records is cut in two ways: into three batches of four records, or two of six.
"""

import itertools
import random
from typing import Any, NamedTuple

Action = tuple[Any, ...]  # a name, the life that is meant ('' for none), and what it needs

LIVES = ("aa", "bb")
BATCHES = 3
CUTS = {"a": 4, "b": 6}  # records a batch
WORKERS = ("ann", "bob")
COLLECTORS = ("one", "two")
LEASE = 100  # ms
ATTEMPTS = 2
PATIENCE = 100  # ms


class Cut(NamedTuple):
    """A batch, as the producer of one cutting reads it."""

    first: int
    records: int
    rejected: int
    sent: str
    kept: str


def cut(life: str, way: str, batch: int) -> Cut:
    size = CUTS[way]
    return Cut(batch * size + 1, size, batch % 2, f"{life}{way}{batch}", f"{life}{way}e{batch}")


def values(action: Action) -> tuple[str, str]:
    """The payload and what is kept, of an `enqueue`."""
    _, life, way, batch = action
    return f"payload {life}{way}{batch}", f"kept {life}{way}{batch}"


class Answer(NamedTuple):
    """What a worker brings of a batch."""

    sent: str
    scored: int
    rejected: int


def answer(action: Action) -> Answer:
    """Of a `complete`. One worker of two could not score a record; one lost one."""
    _, life, worker, batch, what = action
    read = cut(life, "a" if what in ("wrong", "short") else what, batch)
    rejected = int(worker == "bob")
    scored = read.records - read.rejected - rejected - (what == "short")
    return Answer("ff" if what == "wrong" else read.sent, scored, rejected)


def arguments(action: Action) -> list[Any]:
    """The script's, after the incarnation."""
    name, life, *args = action
    if name == "submit":
        return ["record", f"cursor {life} 0", "night", 2, ""]
    if name == "enqueue":
        way, batch = args
        read = cut(life, way, batch)
        pairs = ["code:short", read.rejected] if read.rejected else []
        return [batch, f"cursor {life} {way}{batch + 1}", *read, *pairs]
    if name == "lease":
        owner, batch = args
        return [batch, owner, LEASE, ATTEMPTS]
    if name == "renew":
        owner, batch = args
        return [batch, owner, LEASE]
    if name == "release":
        owner, batch, attempts = args
        return [batch, owner, "it died", attempts]
    if name == "leave":
        owner, batch = args
        return [batch, owner, "no file"]
    if name == "complete":
        worker, batch, _ = args
        brought = answer(action)
        pairs = ["code:odd", brought.rejected] if brought.rejected else []
        result = f"result {worker}{batch}"
        return [batch, brought.sent, result, f"d{batch}", brought.scored, brought.rejected, f"by-{worker}", *pairs]
    if name == "follow":
        return [3_600_000]
    if name == "overdue":
        return [PATIENCE]
    if name == "collected":
        token, first, end = args
        lines = [each for batch in range(first, end) for each in (batch, f"lines {batch}")]
        return [token, first, end, 4, "collected", end, "output", token, *lines]
    return args


def _of(life: str) -> list[Action]:
    batches = range(BATCHES)
    ranges = [(first, end) for first in batches for end in range(first, BATCHES + 1)]
    return [
        ("submit", life),
        *(("enqueue", life, way, batch) for way, size in CUTS.items() for batch in range(12 // size)),
        *(("seal", life, count) for count in range(BATCHES + 1)),
        *(
            (name, life, worker, batch)
            for name in ("lease", "renew", "leave")
            for worker in WORKERS
            for batch in batches
        ),
        *(("release", life, worker, batch, least) for worker in WORKERS for batch in batches for least in (0, 2)),
        *(("complete", life, worker, batch, "a") for worker in WORKERS for batch in batches),
        *(("complete", life, "ann", batch, what) for batch in batches for what in ("b", "wrong", "short")),
        ("overdue", life),
        *(("send_again", life, batch) for batch in batches),
        ("send_again", life, *batches),
        ("fail", life, "failed", "broken"),
        ("fail", life, "cancelled", "enough"),
        ("fail", life, "stopped", "hopeless", "first_rejects", "[]"),
        *(("erase", life, age) for age in (0, 1)),
        ("follow", life),
        ("note", life, "deadline", 5),
        *(("row_class", life, finding) for finding in ("exact", "other")),
        *(("hold", life, token) for token in COLLECTORS),
        ("unlock", life),
        *(("collected", life, token, *each) for token in COLLECTORS for each in ranges),
    ]


ACTIONS: list[Action] = [each for life in LIVES for each in _of(life)]
ACTIONS += [("take", ""), ("tick", "", LEASE // 2), ("tick", "", 1000)]  # a lease ends with a tick, not between two

# How often a random run does each: else it would erase the job before anything comes of it.
_WEIGHTS = {
    "submit": 8, "enqueue": 6, "lease": 4, "complete": 4, "seal": 3, "hold": 3, "take": 20, "tick": 20, "overdue": 8,
    "fail": 0.3, "erase": 2,
}  # fmt: skip
_RARE = ("wrong", "short", "b")  # what ends the job, mostly


def _weight(action: Action) -> float:
    rare = any(each in _RARE for each in action[2:]) or (action[0] == "seal" and action[2] == 0)
    return _WEIGHTS.get(action[0], 1) * (0.1 if rare else 1)


_BOUNDS = list(itertools.accumulate(map(_weight, ACTIONS)))


def draw(chance: random.Random, count: int) -> list[Action]:
    return chance.choices(ACTIONS, cum_weights=_BOUNDS, k=count)
