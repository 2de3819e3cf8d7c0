"""Which workers are there: each says so once a second, and what it has taken from the queue and not begun."""

from collections.abc import Iterable
from math import isfinite
from typing import cast

import redis

from jobs import keys
from jobs.identity import Worker

ALIVE_SECONDS = 10  # a worker without a sign of life for so long does not count
PREFETCHED_MS = 3000  # for which a worker's word of what it has taken is good
FORGOTTEN_SECONDS = 60
MOST_PROCESSES = 1 << 16  # of a worker


class Presence:
    """The workers' signs of life. A worker takes jobs of every format that it knows, and shows itself for each."""

    def __init__(self, server: "redis.Redis") -> None:
        self._redis = server

    def greet(self, worker: str, prefetched: Iterable[str] = (), op_list: str = "", places: Iterable[str] = ()) -> None:
        """A worker's sign of life, shown each second while it makes progress; `worker` is its name. With it
        goes which messages it has taken and not begun, by their ids, which list of ops it judges graphs by, and which
        places it can reach."""
        seconds, _ = self._redis.time()
        with self._redis.pipeline() as pipe:
            for generation in keys.GENERATIONS:
                pipe.zadd(generation.workers, {worker: seconds})
                pipe.zremrangebyscore(generation.workers, "-inf", seconds - FORGOTTEN_SECONDS)
            pipe.set(keys.prefetched(worker), " ".join(prefetched), px=PREFETCHED_MS)
            pipe.set(keys.op_list(worker), op_list, ex=FORGOTTEN_SECONDS)
            pipe.set(keys.places(worker), " ".join(places), ex=FORGOTTEN_SECONDS)
            pipe.execute()

    def leave(self, worker: str) -> None:
        with self._redis.pipeline() as pipe:
            for generation in keys.GENERATIONS:
                pipe.zrem(generation.workers, worker)
            pipe.delete(keys.prefetched(worker), keys.op_list(worker), keys.places(worker))
            pipe.execute()

    def workers(self) -> dict[str, int]:
        """How many seconds ago each worker that knows today's format showed its last sign of life."""
        seconds, _ = self._redis.time()
        seen = cast("list[tuple[bytes, float]]", self._redis.zrange(keys.SECOND.workers, 0, -1, withscores=True))
        named = ((keys.text(worker), moment) for worker, moment in seen)
        return {worker: seconds - int(moment) for worker, moment in named if _is_worker(worker) and isfinite(moment)}

    def processes(self) -> int:
        """Those of workers that showed a sign of life lately."""
        return sum(Worker.parse(worker).processes for worker, ago in self.workers().items() if ago <= ALIVE_SECONDS)

    def reaching(self, place: str) -> int:
        """How many processes of workers that showed a sign of life lately can reach a place."""
        alive = [worker for worker, ago in self.workers().items() if ago <= ALIVE_SECONDS]
        said = cast("list[bytes | None]", self._redis.mget(map(keys.places, alive))) if alive else []
        return sum(
            Worker.parse(worker).processes
            for worker, places in zip(alive, said, strict=True)
            if place in keys.text(places or b"").split()
        )

    def op_lists(self) -> dict[str, list[str]]:
        """The lists of ops that the workers have which showed a sign of life lately, and who has each; an older worker
        does not say."""
        alive = sorted(worker for worker, ago in self.workers().items() if ago <= ALIVE_SECONDS)
        said = cast("list[bytes | None]", self._redis.mget(map(keys.op_list, alive))) if alive else []
        found: dict[str, list[str]] = {}
        for worker, op_list in zip(alive, said, strict=True):
            if op_list:
                found.setdefault(op_list.decode(errors="replace"), []).append(worker)
        return found


def _is_worker(name: str) -> bool:
    try:
        return 0 <= Worker.parse(name).processes < MOST_PROCESSES
    except ValueError:
        return False
