"""A job's timeline: which worker finished which batch, when, and how long each stage of the work took."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


class Stopwatch:
    """Seconds by stage: each lap ends one and begins the next."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = now - self._began
        self._began = now


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker says of a batch that it scored."""

    worker: str  # host:pid
    seconds: Mapping[str, float]  # by stage, in order: lease, session, score, encode

    def encode(self) -> str:
        rounded = {stage: round(seconds, 6) for stage, seconds in self.seconds.items()}
        return json.dumps([self.worker, rounded], separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Finish:
    """An entry: one a batch, in the order in which they were written."""

    at: float  # seconds since the epoch, by the server's clock
    batch: int
    scored: int
    rejected: int  # by the worker
    work: Work

    @classmethod
    def decode(cls, entry: bytes) -> Self:
        """`at (ms) batch scored rejected work`, the last as JSON: see complete.lua. Raises ValueError, TypeError,
        AttributeError or ArithmeticError for what is none."""
        at, batch, scored, rejected, work = entry.split(b" ", 4)
        worker, seconds = json.loads(work)
        if not isinstance(worker, str) or not all(type(each) in (int, float) for each in seconds.values()):
            raise ValueError("it says nothing of its work")
        return cls(int(at) / 1000, int(batch), int(scored), int(rejected), Work(worker, seconds))
