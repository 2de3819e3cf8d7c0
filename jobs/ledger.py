"""The ledger in Redis: which batches a job has, who works on them, what came out. Celery delivers, the ledger decides.

Every change of a batch's state is one Lua script (jobs/lua), atomic and safe to repeat; this module gives them names
and types. A batch is queued, leased until a deadline, or done.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, Literal, NamedTuple, cast

import redis
from redis.client import Pipeline

from jobs import keys, queue
from jobs.errors import JobError
from jobs.progress import Progress, State
from jobs.record import Job
from jobs.spool import Spool
from jobs.timeline import Finish, Work

SPOOLED = {"payload": keys.payload, "kept": keys.kept}  # what a spool may have in the server's place
Verdict = Literal["leased", "done", "busy", "gone", "exhausted"]
ALIVE_SECONDS = 10  # a worker without a sign of life for so long does not count
PREFETCHED_MS = 3000  # for which a worker's word of what it has taken is good
MODEL_SECONDS = 30 * 24 * 3600  # a model that no job was submitted with for so long is forgotten
SCRIPTS = (
    "submit", "enqueue", "seal", "lease", "renew", "release", "complete", "fail", "overdue", "send_again", "collected",
    "hold", "erase", "retried", "note",
)  # fmt: skip


class Entry(NamedTuple):
    """A batch as its producer hands it over. `records` counts the rejected ones too; `cursor` is where reading goes on
    behind it."""

    payload: "memoryview | bytes"
    kept: "memoryview | bytes"
    cursor: Mapping[str, int]
    records: int
    reject_codes: Sequence[str]


class Lease(NamedTuple):
    """A worker's answer when it asks for a batch."""

    verdict: Verdict
    attempt: int  # how often the batch was given away, this time included
    payload: bytes | None


class Ledger:
    """All that producers and workers say to each other about jobs. Those of one machine may share a spool."""

    def __init__(self, server: "redis.Redis", spool: Spool | None = None) -> None:
        self.redis = server
        self._spool = spool or Spool(None)
        room = resources.files("jobs") / "lua"
        prelude = (room / "prelude.lua").read_text()
        self._scripts = {name: server.register_script(prelude + (room / f"{name}.lua").read_text()) for name in SCRIPTS}

    def _run(self, script: str, key: str, *args: Any) -> Any:
        answer = self._scripts[script](keys=[key], args=args)
        return answer.decode() if isinstance(answer, bytes) else answer

    def _together(self, commands: "Callable[[Pipeline], None]", transaction: bool) -> list[Any]:
        """The answers to a pipeline's commands, in one round trip. (redis-py's own scripts in a pipeline ask each time
        whether the server knows them.) If it does not, it is told all, and the commands are given again."""
        with self.redis.pipeline(transaction) as pipe:
            commands(pipe)
            try:
                return pipe.execute()
            except redis.exceptions.NoScriptError:
                for script in self._scripts.values():
                    self.redis.script_load(script.script)
                commands(pipe)
                return pipe.execute()

    # -- the job

    def put_model(self, sha256: str, graph: bytes) -> None:
        """Stores the frozen graph's bytes under their digest, unless they are there, for MODEL_SECONDS from now."""
        if not self.redis.expire(keys.model(sha256), MODEL_SECONDS):
            self.redis.set(keys.model(sha256), graph, ex=MODEL_SECONDS)

    def model(self, sha256: str) -> bytes | None:
        return cast("bytes | None", self.redis.get(keys.model(sha256)))

    def submit(self, job: Job, cursor: Mapping[str, int]) -> State:
        """Makes the job, or attaches to it if it is there; returns its state."""
        return cast(State, self._run("submit", keys.job(job.id), job.encode(), json.dumps(cursor), job.id))

    def job(self, job_id: str) -> Job:
        """Raises JobError if there is no such job."""
        record = cast("bytes | None", self.redis.hget(keys.job(job_id), "record"))
        if record is None:
            raise JobError(f"there is no job {job_id}")
        return Job.decode(record)

    def job_ids(self) -> list[str]:
        """All jobs, oldest first."""
        return [job_id.decode() for job_id in cast("list[bytes]", self.redis.zrange(keys.JOBS, 0, -1))]

    def progress(self, job_id: str) -> Progress:
        """Raises JobError if there is no such job."""
        raw = cast("dict[bytes, bytes]", self.redis.hgetall(keys.job(job_id)))
        if not raw:
            raise JobError(f"there is no job {job_id}")
        return Progress.decode({name.decode(): value.decode() for name, value in raw.items()})

    def timeline(self, job_id: str, first: int = 0, count: int | None = None) -> list[Finish]:
        """The batches done so far, in the order in which they were: from the `first`-th entry on, `count` at most."""
        last = -1 if count is None else first + count - 1
        entries = cast("list[bytes]", self.redis.lrange(f"{keys.job(job_id)}:timeline", first, last))
        return [Finish.decode(entry) for entry in entries]

    def fail(self, job_id: str, reason: str) -> bool:
        """Ends a running job; True if this call ended it."""
        return self._end(job_id, "failed", reason)

    def cancel(self, job_id: str, reason: str) -> bool:
        """Ends a running job: no batch of it is given to a worker any more. True if this call ended it."""
        return self._end(job_id, "cancelled", reason)

    def _end(self, job_id: str, state: State, reason: str) -> bool:
        ended = bool(self._run("fail", keys.job(job_id), state, _line(reason)))
        if ended:
            self._spool.forget(job_id, "payload")
        return ended

    def erase(self, job_id: str, age: float = 0) -> bool:
        """Frees every key of a job that ended `age` seconds ago or earlier, its model's as well if no other job has it.
        False if the job still runs or ended later, or, with an age, if somebody follows it."""
        record = cast("bytes | None", self.redis.hget(keys.job(job_id), "record"))
        if self._run("erase", keys.job(job_id), age) != 1:
            return False
        self._spool.forget(job_id)
        if record is not None:
            model = Job.decode(record).model
            if all(self.job(other).model != model for other in self.job_ids()):
                self.redis.unlink(keys.model(model))
        return True

    def expire(self, age: float) -> list[str]:
        """Erases the jobs that ended at least `age` seconds ago and that nobody follows; their ids."""
        seconds, microseconds = self.redis.time()
        latest = (seconds - age) * 1000 + microseconds / 1000
        old = cast("list[bytes]", self.redis.zrangebyscore(keys.JOBS, "-inf", latest))
        return [job_id for job_id in map(bytes.decode, old) if self.erase(job_id, age)]

    def follow(self, job_id: str, seconds: float) -> None:
        """Somebody follows the job for the next `seconds`: it does not expire meanwhile."""
        self.redis.set(f"{keys.job(job_id)}:followed", 1, px=int(seconds * 1000))

    def note(self, job_id: str, **fields: str | float) -> bool:
        """Keeps `fields` with the job: its deadline, say, or what its followers told the outside. False if the job is
        gone."""
        return bool(self._run("note", keys.job(job_id), *(item for pair in fields.items() for item in pair)))

    # -- the producer's side

    def enqueue(self, job_id: str, first: int, entries: Sequence[Entry]) -> int:
        """Writes batches, numbered from `first` on, and sends their messages: all of it or nothing. Returns how many
        are enqueued now (unless another producer is ahead, those up to the last of `entries`), or -1 if the job takes
        no more. Raises NightshiftError if the spool can't be written."""
        put = self._spool.put
        values = [
            [put(job_id, batch, kind, data) for kind, data in zip(SPOOLED, (entry.payload, entry.kept), strict=True)]
            for batch, entry in enumerate(entries, first)
        ]

        def write(pipe: Pipeline) -> None:
            for batch, (entry, (payload, kept)) in enumerate(zip(entries, values, strict=True), first):
                pipe.set(keys.payload(job_id, batch), payload)
                pipe.set(keys.kept(job_id, batch), kept)
                counters = _counters(entry.reject_codes, records=entry.records, read_rejects=len(entry.reject_codes))
                args = batch, json.dumps(entry.cursor), queue.message(job_id, batch), *counters
                pipe.evalsha(self._scripts["enqueue"].sha, 2, keys.job(job_id), queue.KEY, *args)

        enqueued = int(self._together(write, transaction=True)[-1])
        end = first + len(entries)
        if enqueued != end:
            self._drop_unwanted(job_id, range(first, end if enqueued < 0 else min(enqueued, end)))
        return enqueued

    def _drop_unwanted(self, job_id: str, batches: Iterable[int]) -> None:
        """What came too late: the script has freed the keys."""
        for batch in batches:
            for kind, key in SPOOLED.items():
                if not self.redis.exists(key(job_id, batch)):
                    self._spool.drop(job_id, [batch], kind)

    def seal(self, job_id: str, batches: int) -> bool:
        """The input was read to its end. False if another producer enqueued more than `batches`."""
        return bool(self._run("seal", keys.job(job_id), batches))

    # -- the worker's side

    def lease(self, job_id: str, batch: int, owner: str, seconds: float, max_attempts: int) -> Lease:
        """Asks for a batch; with the verdict `leased` comes its payload. Raises JobError if that is lost,
        SettingsError if it is in a spool that is not known here."""

        def ask(pipe: Pipeline) -> None:
            args = batch, owner, int(seconds * 1000), max_attempts
            pipe.evalsha(self._scripts["lease"].sha, 1, keys.job(job_id), *args)
            pipe.get(keys.payload(job_id, batch))

        (verdict, attempt), payload = self._together(ask, transaction=False)
        if payload is not None and verdict == b"leased":
            payload = self._fetch(job_id, batch, "payload", payload)
        return Lease(cast(Verdict, verdict.decode()), attempt, payload)

    def owners(self, job_id: str) -> dict[int, str]:
        """Who holds each leased batch."""
        owners = cast("dict[bytes, bytes]", self.redis.hgetall(f"{keys.job(job_id)}:owner"))
        return {int(batch): owner.decode() for batch, owner in owners.items()}

    def renew(self, job_id: str, batch: int, owner: str, seconds: float) -> bool:
        """False if the batch is not this owner's any more."""
        return bool(self._run("renew", keys.job(job_id), batch, owner, int(seconds * 1000)))

    def release(self, job_id: str, batch: int, owner: str, reason: str, attempts: int = 0) -> bool:
        """Gives the batch back, to be sent again at once; the job's last error says why. From now on the batch counts
        as having been given away at least `attempts` times."""
        return bool(self._run("release", keys.job(job_id), batch, owner, _line(reason), attempts))

    def complete(
        self,
        job_id: str,
        batch: int,
        result: "memoryview | bytes",
        scored: int,
        reject_codes: Sequence[str],
        work: Work,
    ) -> bool:
        """Writes the batch's result with its counts. False if it was written before: the first write wins."""
        rejected = len(reject_codes)
        counters = _counters(reject_codes, scored=scored, score_rejects=rejected)
        args = batch, result, scored, rejected, work.encode(), *counters
        first = bool(self._run("complete", keys.job(job_id), *args))
        self._spool.drop(job_id, [batch], "payload")
        return first

    # -- the collector's side

    def results(self, job_id: str, first: int, limit: int) -> list[tuple[bytes, bytes]]:
        """(kept, result) of the batches from `first` on, as far as they are done without a gap, at most `limit`. Raises
        as `lease` does."""
        results = self._values(keys.result(job_id, batch) for batch in range(first, first + limit))
        # Only now: the kept columns of batches that are not done yet would be read again and again.
        values = self._values(keys.kept(job_id, batch) for batch in range(first, first + len(results)))
        kept = (self._fetch(job_id, batch, "kept", value) for batch, value in enumerate(values, first))
        return list(zip(itertools.takewhile(lambda value: value is not None, kept), results, strict=False))  # type: ignore[arg-type]

    def _fetch(self, job_id: str, batch: int, kind: str, value: bytes) -> bytes | None:
        """What the value of that key stands for; None if it was freed this moment."""
        data = self._spool.get(job_id, batch, kind, value)
        if data is None and self.redis.exists(SPOOLED[kind](job_id, batch)):
            raise JobError(f"batch {batch} of {job_id} is not in the spool any more; --again scores the input anew")
        return data

    def _values(self, names: Iterable[str]) -> list[bytes]:
        """Those of these keys, up to the first that is not there."""
        listed = list(names)
        values = cast("list[bytes | None]", self.redis.mget(listed)) if listed else []
        return list(itertools.takewhile(lambda value: value is not None, values))  # type: ignore[arg-type]

    def collected(self, job_id: str, token: str, first: int, end: int, fields: Mapping[str, str | int]) -> bool:
        """Frees the batches [first, end), which are safely in the scores file, and notes in `fields` how far it is
        good. False if `token` does not hold the collector's lock any more."""
        flat = [item for pair in {"collected": end, **fields}.items() for item in pair]
        ours = bool(self._run("collected", keys.job(job_id), token, first, end, *flat))
        if ours:
            self._spool.drop(job_id, range(first, end), "kept")
        return ours

    def sweep_spool(self, job_id: str) -> None:
        """All of the job is collected: what a producer left half-written when it was killed goes."""
        self._spool.forget(job_id)

    def retried(
        self, job_id: str, read_codes: Mapping[str, int], codes: Mapping[str, int], sizes: tuple[int, int]
    ) -> bool:
        """Some rejects were scored after all. What is left of them, by code: those of the reader and those of workers;
        `sizes` are the bytes of scores file and rejects file. False unless the job is complete."""
        left = sum(read_codes.values()), sum(codes.values())
        scored = self.progress(job_id).records - sum(left)
        pairs = [item for code, number in {**read_codes, **codes}.items() for item in (f"code:{code}", number)]
        return bool(self._run("retried", keys.job(job_id), scored, *left, *sizes, *pairs))

    # -- the re-sender's side

    def active(self) -> list[str]:
        return [job_id.decode() for job_id in cast("set[bytes]", self.redis.smembers(keys.ACTIVE))]

    def overdue(self, job_id: str, patience: float) -> dict[int, bool]:
        """Takes expired leases back; the batches neither sent nor leased for `patience` seconds, and whether they have
        a message at all: what was leased in vain has none."""
        flat = self._run("overdue", keys.job(job_id), int(patience * 1000))
        return {int(batch): sent != b"0" for batch, sent in zip(flat[::2], flat[1::2], strict=True)}

    def send_again(self, job_id: str, batches: Iterable[int]) -> int:
        """Puts the messages of those of `batches` that still want it into the queue; returns how many."""
        pairs = [item for batch in batches for item in (batch, queue.message(job_id, batch))]
        return int(self._scripts["send_again"](keys=[keys.job(job_id), queue.KEY], args=pairs))

    # -- who is there

    def hold(self, lock: str, token: str, seconds: float) -> bool:
        """Takes or keeps a lock; False if another token has it."""
        return bool(self._run("hold", lock, token, int(seconds * 1000)))

    def held(self, lock: str) -> bool:
        """Whether anybody has the lock."""
        return bool(self.redis.exists(lock))

    def let_go(self, lock: str, token: str) -> None:
        """Drops a lock early, if it is this token's."""
        if self.redis.get(lock) == token.encode():
            self.redis.delete(lock)

    def greet(self, worker: str, prefetched: Iterable[str] = ()) -> None:
        """A worker's sign of life, shown each second while it makes progress; `worker` is host:pid:processes. With it
        goes which messages it has taken and not begun, by their ids."""
        seconds, _ = self.redis.time()
        with self.redis.pipeline() as pipe:
            pipe.zadd(keys.WORKERS, {worker: seconds})
            pipe.zremrangebyscore(keys.WORKERS, "-inf", seconds - 60)
            pipe.set(keys.prefetched(worker), " ".join(prefetched), px=PREFETCHED_MS)
            pipe.execute()

    def leave(self, worker: str) -> None:
        with self.redis.pipeline() as pipe:
            pipe.zrem(keys.WORKERS, worker)
            pipe.delete(keys.prefetched(worker))
            pipe.execute()

    def workers(self) -> dict[str, int]:
        """How many seconds ago each worker showed its last sign of life."""
        seconds, _ = self.redis.time()
        seen = cast("list[tuple[bytes, float]]", self.redis.zrange(keys.WORKERS, 0, -1, withscores=True))
        return {worker.decode(): seconds - int(moment) for worker, moment in seen}

    def processes(self) -> int:
        """Those of workers that showed a sign of life lately."""
        return sum(int(worker.rpartition(":")[2]) for worker, ago in self.workers().items() if ago <= ALIVE_SECONDS)

    def wait(self, job_id: str, seconds: float, after: bytes = b"0") -> bytes:
        """Returns when a batch of the job completed or the job ended since the event `after`, or after `seconds`;
        the event to wait after next."""
        stream = f"{keys.job(job_id)}:events"
        answer = self.redis.xread({stream: after}, count=1000, block=max(1, int(seconds * 1000)))
        if not answer:
            return after
        [[_, entries]] = cast("list[Any]", answer)
        return cast(bytes, entries[-1][0])


def _line(text: str) -> str:
    return " ".join(text.split())


def _counters(reject_codes: Sequence[str], **numbers: int) -> list[str | int]:
    """The pairs of counter and number that the scripts add up."""
    for code in reject_codes:
        numbers[f"code:{code}"] = numbers.get(f"code:{code}", 0) + 1
    return [item for pair in numbers.items() if pair[1] for item in pair]
