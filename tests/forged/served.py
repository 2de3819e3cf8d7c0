"""Mutants on a real server, beside real workers and in front of real commands: what a stranger writes there costs its
own job at most."""

import random
import time
from pathlib import Path

from jobs import digest, keys
from jobs.presence import ALIVE_SECONDS
from tests.forged import mutate
from tests.forged.doors import of_note
from tests.support.farm import Farm, end_farm, make_farm
from tests.support.messages import message
from tests.support.waiting import until

GOOD_ENDS = (0, 1, 2, 3)  # of a command
SECONDS = 20  # that a command may take; one that follows a job for ever is no finding
MESSAGES = 10  # between two good jobs


class Trial:
    """A farm, and a job that is scored and not collected, whose books are altered and put back."""

    def __init__(self, farm: Farm, seed: int) -> None:
        self.farm, self.chance = farm, random.Random(seed)
        self.findings: list[str] = []
        self.jobs = 0
        self.pids = self._pids()
        self._outside = farm.folder / "outside"
        self._outside.mkdir(exist_ok=True)
        (self._outside / "mine.csv").write_text("somebody else's\n")
        self.expected = ""

    def _pids(self) -> list[int]:
        return [worker.process.pid for worker in self.farm.workers if worker.process.poll() is None]

    def input(self) -> Path:
        self.jobs += 1
        path = self.farm.folder / f"in{self.jobs}.csv"
        path.write_text("message_id,text\n" + "".join(f"{row},free prize {row} call now\n" for row in range(60)))
        return path

    def good_job(self) -> None:
        """Scores a job as if nothing had happened: the workers live, and take it."""
        path = self.input()
        run = self.farm.producer("enqueue", path, "--wait", "--output", path.with_suffix(".out"), "--quiet", timeout=90)
        scores = path.with_suffix(".out").read_text() if run.code == 0 else ""
        self.expected = self.expected or scores
        if run.code or scores != self.expected:
            self.findings.append(f"a good job ended with {run.code}, or with other scores: {run.err[-500:]}")
        if self._pids() != self.pids:
            self.findings.append(f"a worker ended: {[worker.process.poll() for worker in self.farm.workers]}")
        seen = self.farm.ledger.presence.workers()
        if not any(ago < ALIVE_SECONDS for ago in seen.values()):
            self.findings.append(f"no worker says that it is there: its housekeeping ended: {seen}")
        if (self._outside / "mine.csv").read_text() != "somebody else's\n":
            self.findings.append("a file outside was touched")

    def messages(self, count: int) -> None:
        """Forged ones in both queues, and among what workers say they have taken."""
        server, life = self.farm.server.redis, self.life
        original = message(life, 0).encode()
        for _ in range(count):
            text = mutate.of_json(self.chance, original)
            server.rpush(self.chance.choice([keys.FIRST.queue, keys.SECOND.queue]), text)
        for name in ("x", "host:1:²", f"host:{'9' * 30}:1", "h:1:-5"):
            server.zadd(keys.SECOND.workers, {name: time.time()})
            server.set(keys.prefetched(name), mutate.of_text(self.chance, f"{life.name}:0".encode()), px=5000)

    def prepare(self) -> None:
        """The job that is altered, as the server has it once it is scored."""
        path = self.input()
        self.farm.producer("enqueue", path, "--quiet", timeout=90, NIGHTSHIFT_SPOOL="")
        self.book = self.farm.ledger.job_ids()[-1]
        until(lambda: self.farm.ledger.progress(self.book).state == "complete", 60)
        server = self.farm.server.redis
        self.job = self.farm.ledger.job(self.book)
        self.life = self.job.life
        names = list(server.scan_iter(match=f"{keys.job(self.book)}*"))
        self.dumps = {key: server.dump(key) for key in names}

    def alter(self) -> str:
        """Puts the job back with one value altered; says which."""
        server, chance, job_key = self.farm.server.redis, self.chance, keys.job(self.book)
        for key in server.scan_iter(match=f"{job_key}*"):
            server.delete(key)
        for key, value in self.dumps.items():
            server.restore(key, 0, value)  # type: ignore[arg-type]
        life = self.life
        how = chance.choice([*["field", "result", "kept"] * 2, "field", "record", "notes", "kind", "active"])
        if how == "record":
            server.hset(job_key, "record", mutate.of_json(chance, self.job.encode().encode()))
        elif how == "field":
            fields: dict[bytes, bytes] = server.hgetall(job_key)  # type: ignore[assignment]
            name = chance.choice([b"state", b"output", b"collected", b"retried", *sorted(fields)])
            other = str(chance.choice(mutate.VALUES)).encode("utf-8", "surrogatepass")
            altered = mutate.of_bytes(chance, fields.get(name, b"1"))
            server.hset(job_key, name, chance.choice([b"running", b"complete", b"stopped", other, altered]))  # type: ignore[arg-type]
            how = f"field {name!r}"
        elif how in ("result", "kept"):
            self._forge(how)
        elif how == "notes":
            notes = chance.choice([keys.sent, keys.answered, keys.written])(life.id)
            noted: bytes = server.hget(notes, "0") or b"1 2 3"  # type: ignore[assignment]
            server.hset(notes, "0", mutate.of_text(chance, noted))  # type: ignore[arg-type]
        elif how == "kind":
            names = [each(life.id) for each in (keys.job, keys.sent, keys.answered, keys.timeline, keys.events)]
            altered_key = chance.choice([*names, keys.result(life, 0), keys.kept(life, 0)])
            server.delete(altered_key)
            command = chance.choice([["SET"], ["RPUSH"], ["HSET", "y"], ["SADD"]])
            server.execute_command(command[0], altered_key, "x", *command[1:])
            how = f"kind of {altered_key.removeprefix(job_key)}"
        else:
            server.hset(job_key, "state", "running")
            server.sadd(keys.SECOND.active, life.name, mutate.of_text(chance, life.name.encode()))
            server.hset(keys.owner(life.id), "0", mutate.of_text(chance, b"host:1:token"))  # type: ignore[arg-type]
            server.zadd(keys.queued(life.id), {"0": 0, "x": 1})
        return how

    def _forge(self, kind: str) -> None:
        """With the digest that goes with it, as whoever means harm would."""
        server, life = self.farm.server.redis, self.life
        key = (keys.result if kind == "result" else keys.kept)(life, 0)
        data: bytes = server.get(key) or b""  # type: ignore[assignment]
        forged = self.chance.choice([mutate.of_bytes, of_note])(self.chance, data)
        server.set(key, forged)
        notes = (keys.answered if kind == "result" else keys.sent)(life.id)
        noted: bytes = server.hget(notes, "0") or b""  # type: ignore[assignment]
        whole = (digest.answered if kind == "result" else digest.kept)(life.incarnation, 0, forged)
        server.hset(notes, "0", b" ".join([*noted.split()[:-1], whole.encode()]))  # type: ignore[arg-type]

    def commands(self, what: str) -> None:
        """What a user does who meets such a job."""
        output = self.farm.folder / "out" / f"forged{self.chance.randrange(10**9)}.csv"
        output.parent.mkdir(exist_ok=True)
        collect = ["collect", self.book, "--output", str(output), "--quiet"]
        for words in (["status"], ["status", self.book], collect, ["rejects", self.book]):
            try:
                run = self.farm.producer(*words, timeout=SECONDS)
            except TimeoutError:
                continue
            wrong = "Traceback" in run.err or run.code not in GOOD_ENDS
            if wrong or (words == ["status"] and run.code):
                command = " ".join(words[:2])
                self.findings.append(f"producer {command}, another {what}: {run.code}: {run.err[-700:]}")


def run(mutants: int, seed: int) -> list[str]:
    """So many of either kind, in turn; what was found."""
    farm = make_farm()
    try:
        farm.start_worker("worker", concurrency=2).ready()
        trial = Trial(farm, seed)
        trial.good_job()
        trial.prepare()
        for number in range(mutants):
            what = trial.alter()
            trial.messages(2)
            trial.commands(what)
            if number % MESSAGES == MESSAGES - 1 or number == mutants - 1:
                trial.good_job()
        return trial.findings
    finally:
        end_farm(farm)
