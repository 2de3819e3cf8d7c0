"""The ledger in Redis: which batches a job has, who works on them, what came out. Celery delivers, the ledger decides.

Every change of a batch's state is one Lua script (jobs/lua), atomic and safe to repeat; this module gives them names
and types. A batch is queued, leased until a deadline, or done. Scripts are told which life of a job is meant, and
refuse what comes from another.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import redis
from redis.client import Pipeline

from formats.files.location import Location
from formats.rejects import Reject
from jobs import digest, keys, queue
from jobs.answers import SPOOLED, Answers, fetch
from jobs.digest import Bytes
from jobs.errors import DamagedError, JobError, MissingError
from jobs.handover import Entry, LeaseReply, LeaseVerdict, check_sent, encode_cursor
from jobs.places import Places
from jobs.presence import Presence
from jobs.progress import JobState, Progress, encode_rejects
from jobs.record import PLAIN, Job, Life, lives
from jobs.removal import Removal, job_ids
from jobs.scripts import YES_OR_NO, Scripts, counters, flat, line
from jobs.skipping import damage_told
from jobs.spool import INPUT, Spool
from jobs.timeline import Finish, Work

NOT_ENTERED = -1  # complete.lua's answer
MODEL_SECONDS = 30 * 24 * 3600  # a model that no job was submitted with for so long is forgotten


class Ledger:
    """All that producers and workers say to each other about jobs. Those of one machine may share a spool."""

    def __init__(self, server: "redis.Redis", spool: Spool | None = None, roots: Iterable[Location] = ()) -> None:
        self.redis = server
        self.spool = spool or Spool(None)
        self.places = Places(self.spool, roots)
        self._queues: dict[Life, str] = {}
        self._scripts = Scripts(server)
        self.presence = Presence(server)
        self.answers = Answers(server, self._scripts, self.places)
        self.removal = Removal(server, self._scripts, self.places)

    # -- the job

    def put_model(self, sha256: str, graph: bytes, signatures: Iterable[bytes] = ()) -> None:
        """Stores the frozen graph's bytes under their digest, unless they are there, and adds signatures of them, for
        MODEL_SECONDS from now."""
        for signature in signatures:
            self.redis.sadd(keys.signatures(sha256), signature)
        self.redis.expire(keys.signatures(sha256), MODEL_SECONDS)
        if not self.redis.expire(keys.model(sha256), MODEL_SECONDS):
            self.redis.set(keys.model(sha256), graph, ex=MODEL_SECONDS)

    def model(self, sha256: str) -> bytes | None:
        return cast("bytes | None", self.redis.get(keys.model(sha256)))

    def signatures(self, sha256: str) -> set[bytes]:
        """Those of a model, as they were put there: whether one holds is for the caller to find out."""
        return cast("set[bytes]", self.redis.smembers(keys.signatures(sha256)))

    def submit(self, job: Job, cursor: Mapping[str, int]) -> JobState:
        """Makes the job, or attaches to it if it is there, in whichever life; returns its state."""
        arguments = job.encode(), encode_cursor(job.life, 0, cursor), job.id, max(job.format, PLAIN), queue.of(job)
        return cast(JobState, self._scripts.run("submit", job.life, *arguments))

    def job(self, job_id: str) -> Job:
        """Raises MissingError if there is no such job, DamagedError or NewerFormatError if it can't be read."""
        with damage_told(job_id):  # both at once: it may begin again meanwhile
            fields = self.redis.hmget(keys.job(job_id), "record", "incarnation")
        record, incarnation = cast("list[bytes | None]", fields)
        if record is None:
            if not self.redis.exists(keys.job(job_id)):
                raise MissingError(f"there is no job {job_id}")
            raise DamagedError(f"{job_id}: its record is gone; producer forget frees the rest")
        try:
            job = Job.decode(record)
        except JobError as error:
            raise type(error)(f"{job_id}: {error}") from None
        if job.id != job_id or keys.text(incarnation or b"") != job.incarnation:
            raise DamagedError(f"{job_id}: its record is damaged; producer forget frees it")
        return job

    def job_ids(self) -> list[str]:
        """All jobs, oldest first."""
        return job_ids(self.redis)

    def progress(self, job_id: str) -> Progress:
        """Raises MissingError if there is no such job, DamagedError if what is there makes no sense."""
        with damage_told(job_id):
            raw = [os.fsdecode(item) for item in self._scripts.run("progress", Life(job_id, ""))]
        if not raw:
            raise MissingError(f"there is no job {job_id}")
        try:
            return Progress.decode(dict(zip(raw[::2], raw[1::2], strict=True)))
        except DamagedError as error:
            raise DamagedError(f"{job_id}: {error}") from None

    def timeline(self, job_id: str, first: int = 0, count: int | None = None) -> list[Finish]:
        """The batches done so far, in the order in which they were: from the `first`-th entry on, `count` at most.
        Raises DamagedError."""
        last = -1 if count is None else first + count - 1
        with damage_told(job_id):
            entries = cast("list[bytes]", self.redis.lrange(keys.timeline(job_id), first, last))
        try:
            return [Finish.decode(entry) for entry in entries]
        except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
            raise DamagedError(f"{job_id}: what the server has of its workers is damaged") from None

    def fail(self, life: Life, reason: str) -> bool:
        """Ends a running job; True if this call ended it."""
        return self._end(life, "failed", reason)

    def cancel(self, life: Life, reason: str) -> bool:
        """Ends a running job: no batch of it is given to a worker any more. True if this call ended it."""
        return self._end(life, "cancelled", reason)

    def stop(self, life: Life, reason: str, rejects: Sequence[Reject]) -> bool:
        """Ends a running job that has more rejects than are allowed, as `cancel` does; `rejects` are shown to whoever
        follows it, without their raw text. True if this call ended it."""
        return self._end(life, "stopped", reason, first_rejects=encode_rejects(rejects))

    def _end(self, life: Life, state: JobState, reason: str, **fields: str) -> bool:
        ended = self._scripts.did("fail", life, state, line(reason), *flat(fields))
        if ended:
            for kind in ("payload", INPUT):
                self.spool.forget(life, kind)
        return ended

    def is_running(self, life: Life) -> bool:
        """Whether it still has work for anybody."""
        state, incarnation = cast("list[bytes | None]", self.redis.hmget(keys.job(life.id), "state", "incarnation"))
        return state == b"running" and keys.text(incarnation or b"") == life.incarnation

    def follow(self, life: Life, seconds: float) -> bool:
        """Somebody follows the job for the next `seconds`: it does not expire meanwhile, and is not left running by a
        disk that lost its end. False if the job is gone."""
        return self._scripts.did("follow", life, int(seconds * 1000))

    def note(self, life: Life, **fields: str | float) -> bool:
        """Keeps `fields` with the job: its deadline, say, or what its followers told the outside. False if the job is
        gone."""
        return self._scripts.did("note", life, *flat(fields))

    def row_class(self, life: Life, finding: str) -> str:
        """Notes how the job's model treats rows, unless another did; what is noted, empty if the job has ended."""
        return cast(str, self._scripts.run("row_class", life, finding))

    # -- the producer's side

    def enqueue(self, life: Life, first: int, entries: Sequence[Entry]) -> int:
        """Writes batches, numbered from `first` on, and sends their messages: all of it or nothing. Returns how many
        are enqueued now (unless another producer is ahead, those up to the last of `entries`), or -1 if the job takes
        no more. Raises NightshiftError if the spool can't be written."""
        put, to = self.spool.put, self._queue(life)
        values = [
            [put(life, batch, kind, data) for kind, data in zip(SPOOLED, (entry.payload, entry.kept), strict=True)]
            for batch, entry in enumerate(entries, first)
        ]

        def write(pipe: Pipeline) -> None:
            for batch, (entry, (payload, kept)) in enumerate(zip(entries, values, strict=True), first):
                pipe.set(keys.payload(life, batch), payload)
                if kept:
                    pipe.set(keys.kept(life, batch), kept)
                cursor = encode_cursor(life, batch + 1, entry.cursor)
                numbers = entry.first, entry.records, len(entry.reject_codes)
                proofs = (
                    digest.sent(life.incarnation, batch, entry.first, entry.records, entry.payload),
                    digest.kept(life.incarnation, batch, entry.kept),
                )
                args = batch, cursor, *numbers, *proofs, *counters(entry.reject_codes), *flat(entry.odd)
                self._scripts.add(pipe, "enqueue", life, *args, queue=to)

        enqueued = int(self._scripts.together(write, transaction=True)[-1])
        end = first + len(entries)
        if enqueued != end:
            self._drop_unwanted(life, range(first, end if enqueued < 0 else min(enqueued, end)))
        return enqueued

    def _drop_unwanted(self, life: Life, batches: Iterable[int]) -> None:
        """What came too late: the script has freed the keys."""
        for batch in batches:
            for kind, key in SPOOLED.items():
                if not self.redis.exists(key(life, batch)):
                    self.spool.drop(life, [batch], kind)

    def seal(self, life: Life, batches: int) -> bool:
        """The input was read to its end. False if another producer enqueued more than `batches`."""
        return self._scripts.did("seal", life, batches)

    # -- the worker's side

    def lease(self, life: Life, batch: int, owner: str, seconds: float, max_attempts: int) -> LeaseReply:
        """Asks for a batch; with the verdict `leased` comes its payload. Raises JobError if that is lost or is not what
        the producer sent: nothing of it is decoded then. SettingsError if it is in a spool that is not known here."""

        def ask(pipe: Pipeline) -> None:
            self._scripts.add(pipe, "lease", life, batch, owner, int(seconds * 1000), max_attempts)
            pipe.get(keys.payload(life, batch))
            pipe.hget(keys.sent(life.id), str(batch))

        (verdict, attempt, row_class), payload, noted = self._scripts.together(ask, transaction=False)
        if payload is not None and verdict == b"leased":
            payload = fetch(self.redis, self.spool, life, batch, "payload", payload)
            if payload is not None and noted is not None:
                check_sent(life, batch, noted, payload)
        return LeaseReply(cast(LeaseVerdict, verdict.decode()), attempt, row_class.decode(), payload)

    def owners(self, job_id: str) -> dict[int, str]:
        """Who holds each leased batch."""
        owners = cast("dict[bytes, bytes]", self.redis.hgetall(keys.owner(job_id)))
        return {int(batch): keys.text(owner) for batch, owner in owners.items() if batch.isdigit()}

    def renew(self, life: Life, batch: int, owner: str, seconds: float) -> bool:
        """False if the batch is not this owner's any more."""
        return self._scripts.did("renew", life, batch, owner, int(seconds * 1000))

    def release(self, life: Life, batch: int, owner: str, reason: str, attempts: int = 0) -> bool:
        """Gives the batch back, to be sent again at once; the job's last error says why. From now on the batch counts
        as having been given away at least `attempts` times."""
        return self._scripts.did("release", life, batch, owner, line(reason), attempts)

    def leave(self, life: Life, batch: int, owner: str, reason: str) -> bool:
        """Gives the batch back, which can't be scored here, to be sent again in a while; that is no attempt."""
        return self._scripts.did("leave", life, batch, owner, line(reason))

    def complete(
        self,
        life: Life,
        batch: int,
        sent: str,
        result: Bytes,
        scored: int,
        reject_codes: Sequence[str],
        work: Work,
        odd: Mapping[str, int] = MappingProxyType({}),
    ) -> bool:
        """Writes the batch's result with its counts, and those of an `Entry`'s `odd` that the worker found. `sent` is
        the digest of what the worker scored: the job fails if that is not what the producer sent. False if the result
        was written before: the first write wins."""
        answered = digest.answered(life.incarnation, batch, result)
        counted = *counters(reject_codes), *flat(odd)
        args = batch, sent, result, answered, scored, len(reject_codes), work.encode(), *counted
        answer = self._scripts.run("complete", life, *args)
        if answer == NOT_ENTERED:  # its producer puts the payload there, and enters the batch after that
            return False
        self.spool.drop(life, [batch], "payload")
        return YES_OR_NO[answer]

    # -- the re-sender's side

    def active(self) -> list[Life]:
        """The running jobs, of every format that is known here."""
        sets = [cast("set[bytes]", self.redis.smembers(generation.active)) for generation in keys.GENERATIONS]
        return list(lives(keys.text(name) for names in sets for name in names))

    def overdue(self, life: Life, patience: float) -> dict[int, bool]:
        """Takes expired leases back; the batches neither sent nor leased for `patience` seconds, and whether they have
        a message at all: what was leased in vain has none."""
        flat = self._scripts.run("overdue", life, int(patience * 1000))
        return {int(batch): sent != b"0" for batch, sent in zip(flat[::2], flat[1::2], strict=True)}

    def waiting_since(self, life: Life) -> float | None:
        """When the message was sent that waits longest for a worker, in seconds since the epoch; None if none waits."""
        found = cast("list[tuple[bytes, float]]", self.redis.zrange(keys.queued(life.id), 0, 0, withscores=True))
        return found[0][1] / 1000 if found and found[0][1] else None

    def send_again(self, life: Life, batches: Iterable[int]) -> int:
        """Puts the messages of those of `batches` that still want it into the queue; returns how many."""
        to = self._queue(life)
        return int(self._scripts.run("send_again", life, *batches, queue=to))

    def _queue(self, life: Life) -> str:
        """The queue of the job's messages: that of workers which can reach its input, or everybody's."""
        if life not in self._queues:
            noted = keys.text(cast("bytes | None", self.redis.hget(keys.job(life.id), "queue")) or b"")
            self._queues[life] = noted if keys.is_place_queue(noted) else keys.generation(life).queue
        return self._queues[life]

    # -- who waits for whom

    def hold(self, lock: str, token: str, seconds: float) -> bool:
        """Takes or keeps a lock; False if another token has it."""
        return self._scripts.hold(lock, token, seconds)

    def held(self, lock: str) -> bool:
        """Whether anybody has the lock."""
        return bool(self.redis.exists(lock))

    def let_go(self, lock: str, token: str) -> None:
        """Drops a lock early, if it is this token's."""
        if self.redis.get(lock) == token.encode():
            self.redis.delete(lock)

    def wait(self, job_id: str, seconds: float, after: bytes = b"0") -> bytes:
        """Returns when a batch of the job completed or the job ended since the event `after`, or after `seconds`;
        the event to wait after next."""
        stream = keys.events(job_id)
        answer = self.redis.xread({stream: after}, count=1000, block=max(1, int(seconds * 1000)))
        if not answer:
            return after
        [[_, entries]] = cast("list[Any]", answer)
        return cast(bytes, entries[-1][0])
