"""What the ledger promises, in plain Python: for every action the answer and every key afterwards. Written from
what the scripts' heads say, not from their lines."""

from typing import Any

from tests.ledger.actions import ATTEMPTS, LEASE, PATIENCE, Action, answer, arguments, cut, values

HASH = "job:night"
_COUNTERS = (
    "sealed", "batches", "done", "records", "read_rejects", "scored", "score_rejects", "attempts", "redelivered",
    "duplicates", "collected",
)  # fmt: skip
_SETS = ("queued", "leased", "owner", "attempts", "done")  # what a job has only while it runs


class Model:
    """`keys` are the server's, as the world dumps them; `now` is the clock."""

    def __init__(self, keys: dict[str, Any] | None = None, now: int = 1000) -> None:
        self.keys: dict[str, Any] = {} if keys is None else keys
        self.now = now

    def step(self, action: Action) -> tuple[Any, "Model"]:
        """The answer, and the next state."""
        copied = {name: value if isinstance(value, str) else value.copy() for name, value in self.keys.items()}
        after = Model(copied, self.now)
        name, life, *args = action
        reply = getattr(after, f"_{name}")(life, *args) if life else getattr(after, f"_{name}")(*args)
        after.keys = {name: value for name, value in after.keys.items() if len(value)}
        return reply, after

    # -- what the scripts share

    @property
    def job(self) -> dict[str, Any]:
        return self.keys.setdefault(HASH, {})  # type: ignore[no-any-return]

    def part(self, suffix: str, empty: type = dict) -> Any:
        return self.keys.setdefault(f"{HASH}:{suffix}", empty())

    def ours(self, life: str) -> bool:
        return self.job.get("incarnation") == life

    def running(self, life: str) -> bool:
        return self.ours(life) and self.job["state"] == "running"

    def _free(self, life: str, kind: str, batch: object) -> None:
        self.keys.pop(f"{HASH}:{life}:{kind}:{batch}", None)

    def _count(self, name: str, number: int = 1) -> None:
        self.job[name] = self.job.get(name, 0) + number

    def _finish(self, life: str, state: str, reason: str | None = None) -> None:
        self.job.update(state=state, finished=self.now)
        if reason:
            self.job["error"] = reason
        for batch in {**self.part("queued"), **self.part("leased")}:
            self._free(life, "payload", batch)
        for suffix in _SETS:
            self.keys.pop(f"{HASH}:{suffix}", None)
        self.keys.get("2:active", set()).discard(f"night:{life}")
        self.part("events", list).append(state)

    def _damaged(self, life: str, what: str) -> None:
        self._finish(life, "failed", f"the ledger is damaged: {what}; enqueue the file again")

    def _settle(self, life: str) -> None:
        job = self.job
        if not job["sealed"] or job["done"] != job["batches"]:
            return
        read, answered = job["records"] - job["read_rejects"], job["scored"] + job["score_rejects"]
        assert read == answered, "every answer was compared with its batch"
        self._finish(life, "complete")

    # -- the job

    def _submit(self, life: str) -> str:
        if self.job:
            return str(self.job["state"])
        self.job.update(dict.fromkeys(_COUNTERS, 0))
        self.job.update(
            record="record", cursor=f"cursor {life} 0", state="running", created=self.now, incarnation=life, format=2
        )
        self.keys.setdefault("2:jobs", {})["night"] = self.now
        self.keys.setdefault("2:active", set()).add(f"night:{life}")
        return "running"

    def _fail(self, life: str, state: str, reason: str, *noted: str) -> int:
        if not self.running(life):
            return 0
        self.job.update(zip(noted[::2], noted[1::2], strict=True))
        self._finish(life, state, reason)
        return 1

    def _erase(self, life: str, age: int) -> int:
        if not self.ours(life) or self.job["state"] == "running" or self.job["finished"] > self.now - age * 1000:
            return 0
        if age and f"{HASH}:followed" in self.keys:
            return 0
        others = [name for name in self.keys if name.startswith(HASH) and self._is_of_another_life(name, life)]
        kept = {name for name in self.keys if not name.startswith(HASH)} | set(others)
        self.keys = {name: value for name, value in self.keys.items() if name in kept}
        self.keys.get("2:jobs", {}).pop("night", None)
        return 1

    @staticmethod
    def _is_of_another_life(name: str, life: str) -> bool:
        """A lock that somebody took who stalled through his job's end: it runs out."""
        return name.endswith(":collector") and not name.startswith(f"{HASH}:{life}:")

    def _note(self, life: str, field: str, value: object) -> int:
        if not self.ours(life):
            return 0
        self.job[field] = value
        return 1

    def _row_class(self, life: str, finding: str) -> str:
        return str(self.job.setdefault("row_class", finding)) if self.running(life) else ""

    # -- the producer

    def _enqueue(self, life: str, way: str, batch: int) -> int:
        read, name = cut(life, way, batch), str(batch)
        payload, kept = values(("enqueue", life, way, batch))
        self.keys[f"{HASH}:{life}:payload:{batch}"], self.keys[f"{HASH}:{life}:kept:{batch}"] = payload, kept
        job = self.job
        if self.running(life) and not job["sealed"] and batch == job["batches"]:
            if read.first == job["records"] + 1:
                self.part("queued")[name] = self.now
                job.update(cursor=f"cursor {life} {way}{batch + 1}", batches=batch + 1)
                self.part("sent")[name] = " ".join(map(str, read))
                self._count("records", read.records)
                self._count("read_rejects", read.rejected)
                if read.rejected:
                    self._count("code:short", read.rejected)
                self.keys.setdefault("2:batches", []).insert(0, f"{life}:{batch}")
                return batch + 1
            what = f"batch {batch} begins with record {read.first}, and {job['records']} were read before"
            self._damaged(life, what)
        there = self.ours(life) and batch < job["batches"]
        wanted = there and self.running(life) and batch not in self.part("done", set)
        if not wanted:
            self._free(life, "payload", batch)
        if not there or batch < job["collected"]:
            self._free(life, "kept", batch)
        return int(job["batches"]) if self.running(life) and not job["sealed"] else -1

    def _seal(self, life: str, count: int) -> int:
        if not self.running(life):
            return 1
        if self.job["batches"] != count:
            return 0
        self.job["sealed"] = 1
        self._settle(life)
        return 1

    # -- the worker

    def _lease(self, life: str, owner: str, batch: int) -> list[Any]:
        name, job = str(batch), self.job
        if not self.running(life) or batch >= job["batches"]:
            return ["gone", 0, ""]
        if batch in self.part("done", set):
            self._count("redelivered")
            return ["done", 0, ""]
        attempts, leased, owners = self.part("attempts"), self.part("leased"), self.part("owner")
        given = attempts.get(name, 0)
        if leased.get(name, 0) > self.now:
            if owners[name] != owner:
                self._count("redelivered")
                return ["busy", 0, ""]
        elif given >= ATTEMPTS:
            return ["exhausted", given, ""]
        else:
            attempts[name] = given = given + 1
            self._count("attempts")
            job.setdefault("started", self.now)
            self.part("queued").pop(name, None)
            owners[name] = owner
        leased[name] = self.now + LEASE
        return ["leased", given, job.get("row_class", "")]

    def _renew(self, life: str, owner: str, batch: int) -> int:
        if not self.ours(life) or self.part("owner").get(str(batch)) != owner:
            return 0
        self.part("leased")[str(batch)] = self.now + LEASE
        return 1

    def _release(self, life: str, owner: str, batch: int, least: int) -> int:
        name = str(batch)
        if not self.ours(life) or self.part("owner").get(name) != owner:
            return 0
        del self.part("owner")[name], self.part("leased")[name]
        self.part("queued")[name] = 0
        self.part("attempts")[name] = max(least, self.part("attempts")[name])
        self.job["last_error"] = "it died"
        return 1

    def _leave(self, life: str, owner: str, batch: int) -> int:
        name = str(batch)
        if not self.running(life) or self.part("owner").get(name) != owner:
            return 0
        del self.part("owner")[name], self.part("leased")[name]
        self.part("queued")[name] = self.now
        self.part("attempts")[name] -= 1
        self._count("attempts", -1)
        self.job["left"] = "no file"
        return 1

    def _complete(self, life: str, worker: str, batch: int, what: str) -> int:
        name, job = str(batch), self.job
        if not self.running(life):
            return 0
        if batch >= job["batches"]:
            return -1
        self._free(life, "payload", batch)
        if batch in self.part("done", set):
            self._count("duplicates")
            return 0
        brought = answer(("complete", life, worker, batch, what))
        _, records, rejected, sent, _ = self.part("sent")[name].split()
        if brought.sent != sent:
            self._damaged(life, f"what a worker scored as batch {batch} is not what the producer sent")
            return 0
        wanted, found = int(records) - int(rejected), brought.scored + brought.rejected
        if wanted != found:
            reason = f"the producer sent {wanted} records as batch {batch}, a worker answered for {found}"
            self._finish(life, "failed", f"the counts disagree: {reason}")
            return 0
        if name not in self.part("attempts"):
            self._count("attempts")
        for suffix in ("queued", "leased", "owner", "attempts"):
            self.part(suffix).pop(name, None)
        self.part("done", set).add(batch)
        self.keys[f"{HASH}:{life}:result:{batch}"] = f"result {worker}{batch}"
        self.part("answered")[name] = f"{brought.scored} {brought.rejected} d{batch}"
        entry = f"{self.now} {batch} {brought.scored} {brought.rejected} by-{worker}"
        self.part("timeline", list).append(entry)
        self._count("done")
        self._count("scored", brought.scored)
        self._count("score_rejects", brought.rejected)
        if brought.rejected:
            self._count("code:odd", brought.rejected)
        self.part("events", list).append(name)
        self._settle(life)
        return 1

    # -- the re-sender, the queue and the clock

    def _overdue(self, life: str) -> list[str]:
        if not self.running(life):
            return []
        queued, leased = self.part("queued"), self.part("leased")
        for name in [name for name, end in leased.items() if end <= self.now]:
            del leased[name], self.part("owner")[name]
            queued[name] = 0
            self._count("leases_lost")
        late = sorted((sent, name) for name, sent in queued.items() if sent <= self.now - PATIENCE)
        return [each for sent, name in late for each in (name, str(sent))]

    def _send_again(self, life: str, *batches: int) -> int:
        if not self.running(life):
            return 0
        queued = self.part("queued")
        again = [batch for batch in batches if queued.get(str(batch), self.now) != self.now]
        for batch in again:
            queued[str(batch)] = self.now
            self.keys.setdefault("2:batches", []).append(f"{life}:{batch}")
        self._count("resent", len(again))
        return len(again)

    def _take(self) -> str | None:
        messages = self.keys.get("2:batches")
        return messages.pop() if messages else None

    def _tick(self, milliseconds: int) -> int:
        self.now += milliseconds
        return self.now

    def _follow(self, life: str) -> int:
        if not self.ours(life):
            return 0
        self.keys[f"{HASH}:followed"] = "1"
        return 1  # where no disk loses anything, there is nothing to be mended

    # -- the collector

    def _hold(self, life: str, token: str) -> int:
        return int(self.keys.setdefault(f"{HASH}:{life}:collector", token) == token)

    def _unlock(self, life: str) -> int:
        return int(self.keys.pop(f"{HASH}:{life}:collector", None) is not None)

    def _collected(self, life: str, token: str, first: int, end: int) -> int:
        job = self.job
        if not self.ours(life) or self.keys.get(f"{HASH}:{life}:collector") != token:
            return 0
        if job["collected"] != first:  # it missed another's work, or its own answer
            return int((job["collected"], job.get("output")) == (end, token))
        for batch in range(first, end):
            self._free(life, "kept", batch)
            self._free(life, "result", batch)
            self.part("written")[str(batch)] = f"lines {batch}"
        job.update(collected=end, output=token)
        return 1


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def broken(action: Action, reply: Any, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """The invariant that the server's keys break, whatever the model says; None if all hold."""
    name, life, *_ = action
    job: dict[str, Any] = after.get(HASH, {})
    was: dict[str, Any] = before.get(HASH, {})
    parts = {suffix: after.get(f"{HASH}:{suffix}", {}) for suffix in (*_SETS, "sent", "answered")}
    batches = {str(batch) for batch in range(job.get("batches", 0))}
    if (
        name not in ("submit", "hold", "unlock", "take", "tick")
        and was
        and was["incarnation"] != life
        and changed(before, after)
    ):
        return "what belongs to another life changed something"
    if (
        name == "erase"
        and reply == 1
        and any(Model._is_of_another_life(key, life) is False for key in after if key.startswith(HASH))
    ):
        return "a job that is erased has left a key"
    if was and job and was["state"] != "running" and job["state"] != was["state"]:
        return "a job that has ended changed its state"
    if was and job and name != "erase" and any(job[each] < was[each] for each in ("batches", "done", "collected")):
        return "what is counted went back"
    first = 1
    for batch in sorted(batches):
        if batch not in parts["sent"] or int(parts["sent"][batch].split()[0]) != first:
            return "the batches are not contiguous"
        first += int(parts["sent"][batch].split()[1])
    if job and first != job["records"] + 1:
        return "records were lost"
    if job.get("state") == "running":
        places = [*parts["queued"], *parts["leased"], *map(str, parts["done"])]
        if sorted(places) != sorted(batches):
            return "a batch is not in one place"
        if set(parts["owner"]) != set(parts["leased"]):
            return "a lease has no owner, or an owner no lease"
        if any(f"{HASH}:{job['incarnation']}:payload:{batch}" not in after for batch in parts["queued"]):
            return "a batch that waits has no payload"
    if job.get("state") == "complete":
        if set(parts["answered"]) != batches:
            return "a batch of a complete job was not answered"
        if job["records"] != job["scored"] + job["read_rejects"] + job["score_rejects"]:
            return "the counts of a complete job disagree"
    if name == "complete" and reply == 1 and arguments(action)[1] != parts["sent"][str(action[3])].split()[3]:
        return "a result was taken of what was not sent"
    return None
