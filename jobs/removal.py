"""How jobs are forgotten: one that somebody wants gone, those that ended long ago, and one that a disk has damaged."""

import contextlib
import json
import re
from collections.abc import Iterable
from typing import cast

import redis

from jobs import keys
from jobs.errors import DamagedError
from jobs.places import Places
from jobs.record import Life, lives
from jobs.scripts import Scripts
from jobs.skipping import Skipping, damage_told

REMEMBERED_SECONDS = 24 * 3600  # that somebody has forgotten a job, which one who follows it may notice late


class Removal:
    """Part of a `Ledger`."""

    def __init__(self, server: "redis.Redis", scripts: Scripts, places: Places) -> None:
        self._redis, self._scripts, self._places = server, scripts, places
        self._skipping = Skipping()

    def erase(self, life: Life, age: float = 0) -> bool:
        """Frees every key of a job that ended `age` seconds ago or earlier, its model's as well if no other job has it.
        False if the job still runs or ended later, or, with an age, if somebody follows it."""
        record = cast("bytes | None", self._redis.hget(keys.job(life.id), "record"))
        if not self._scripts.did("erase", life, age):
            return False
        if life.is_valid:  # of another, nothing can be there
            self._places.forget(life)
        if model := _model_of(record or b""):
            self._forget_model(model)
        return True

    def forget(self, life: Life) -> bool:
        """`erase`, because somebody asked for it: who follows the job does not take it for lost."""
        self._redis.set(keys.forgotten(life), b"", ex=REMEMBERED_SECONDS)
        return self.erase(life)

    def was_asked_for(self, life: Life) -> bool:
        """Whether somebody has forgotten that job. Of one that is missing without, the server has lost what it knew:
        it was killed before it had written that a job was entered."""
        return bool(self._redis.exists(keys.forgotten(life)))

    def _forget_model(self, sha256: str) -> None:
        """Unless a job has it; one that can't be read here might."""
        records = (self._redis.hget(keys.job(other), "record") for other in job_ids(self._redis))
        if not any(record and sha256.encode() in cast(bytes, record) for record in records):
            self._redis.unlink(keys.model(sha256), keys.signatures(sha256))

    def wipe(self, job_id: str) -> None:
        """Frees every key of a job that is damaged, whose record and state say nothing: what its producers, workers and
        collectors still bring is refused. Looks at all keys of the server, which takes long on a large one."""
        prefix = keys.job(job_id).encode()
        literal = "".join(f"\\{sign}" if sign in "*?[]\\^" else sign for sign in keys.job(job_id))
        found = cast("Iterable[bytes]", self._redis.scan_iter(match=f"{literal}*", count=1000))
        found_lives = {Life(job_id, "")}
        with contextlib.suppress(DamagedError):
            found_lives.add(Life(job_id, self._incarnation(job_id) or ""))
        for life in found_lives:
            self._redis.set(keys.forgotten(life), b"", ex=REMEMBERED_SECONDS)
        for key in found:
            if key == prefix or key.startswith(prefix + b":"):
                self._redis.unlink(key)
        for generation in keys.GENERATIONS:
            self._redis.zrem(generation.jobs, job_id)
            names = cast("set[bytes]", self._redis.smembers(generation.active))
            running = [name for name in names if keys.text(name).partition(":")[0] == job_id]
            if running:
                self._redis.srem(generation.active, *running)
            found_lives.update(lives(map(keys.text, running)))
        for life in found_lives:
            if life.is_valid:  # of another, nothing can be there
                self._places.forget(life)

    def expire(self, age: float) -> list[str]:
        """Erases the jobs that ended at least `age` seconds ago and that nobody follows; their ids."""
        seconds, microseconds = self._redis.time()
        latest = (seconds - age) * 1000 + microseconds / 1000
        names = [self._redis.zrangebyscore(generation.jobs, "-inf", latest) for generation in keys.GENERATIONS]
        old = [keys.text(job_id) for found in cast("list[list[bytes]]", names) for job_id in found]
        gone = []
        for job_id in old:
            with self._skipping.over(job_id):
                if self.erase(Life(job_id, self._incarnation(job_id) or ""), age):
                    gone.append(job_id)
        return gone

    def _incarnation(self, job_id: str) -> str | None:
        """None if there is no such job."""
        with damage_told(job_id):
            fields = self._redis.hmget(keys.job(job_id), "state", "incarnation")
        state, incarnation = cast("list[bytes | None]", fields)
        return None if state is None else keys.text(incarnation or b"")


def job_ids(server: "redis.Redis") -> list[str]:
    """All jobs that the server has, oldest first."""
    moments: dict[bytes, float] = {}
    for generation in keys.GENERATIONS:
        moments.update(cast("list[tuple[bytes, float]]", server.zrange(generation.jobs, 0, -1, withscores=True)))
    return [keys.text(job_id) for job_id in sorted(moments, key=lambda job_id: moments[job_id])]


def _model_of(record: bytes) -> str:
    """The digest of the record's model; empty if it has none."""
    try:
        model = json.loads(record)["model"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    return model if isinstance(model, str) and re.fullmatch("[0-9a-f]{64}", model) else ""
