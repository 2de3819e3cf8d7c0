"""Faults of every kind at random moments, during one job after another: `python -m tests.faults.chaos --help`.

The figures say that the promise was put to the test: how many faults there were, what was delivered and scored twice
because of them, and that the files are the same all the same.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from jobs import keys
from tests.faults.inputs import build_model, write_input
from tests.faults.night import Night, make_reference, taken
from tests.faults.processes import processes
from tests.faults.site import Site, open_site
from tests.support import Worker

FIGURES = ("batches", "attempts", "redelivered", "duplicates", "resent", "leases_lost")
HOSTS = 2
MILLISECONDS = 80  # a batch: long enough for faults to meet workers at work


class Round:
    """One job, and the accidents that happen to it."""

    def __init__(self, night: Night, chance: random.Random) -> None:
        self.night, self.site, self.chance = night, night.site, chance
        self.faults: Counter[str] = Counter()
        self._begin()
        self._stalled: list[tuple[float, int]] = []
        self._leaving: list[Worker] = []

    def play(self, faults: int, pause: float) -> dict[str, Any]:
        """The job's receipt, with the ledger's own counters."""
        self.night.reach(1)
        kinds = [getattr(self, name) for name in dir(self) if name.startswith("fault_")]
        for _ in range(faults):
            time.sleep(self.chance.random() * 2 * pause)
            self._begin_again_if_refused()
            if self.run.poll() is not None:
                break
            kind = self.chance.choice(kinds)
            if kind() is not False:
                self.faults[kind.__name__.removeprefix("fault_")] += 1
            self._housekeeping()
        while self._stalled:
            self._housekeeping()
            time.sleep(0.1)
        self.site.staff(HOSTS)
        self.run.wait(180)
        self._begin_again_if_refused()
        receipt = self.night.check(self.run, seconds=180)
        for worker in self._leaving:
            worker.process.wait(45)
        return {**receipt, **{name: getattr(self.night.progress(), name) for name in FIGURES}}

    def _housekeeping(self) -> None:
        """Those who were stalled wake up, and those who died are replaced."""
        for moment, pid in list(self._stalled):
            if time.monotonic() > moment:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                self._stalled.remove((moment, pid))
        while len(self.site.workers) < HOSTS:
            self.site.hire()

    def _begin(self) -> None:
        self.run, self._began = self.night.enqueue(), time.monotonic()

    def _begin_again_if_refused(self) -> None:
        """A command that finds no server when it starts says so and ends; only then may it."""
        refusals = ("producer: no answer from ", "producer: the server: ")
        if self.run.poll() == 1 and self.night.said(self.run).startswith(refusals):
            self.faults["producer_refused"] += 1
            self._begin()

    def _host(self) -> Worker:
        """One that is at work, if there is one."""
        busy = self._busy()
        at_work = [worker for worker in self.site.workers if busy & set(processes(worker))]
        return self.chance.choice(at_work or self.site.workers)

    def _child(self) -> int | None:
        host = self._host()
        if not taken(host):  # Celery ends a worker whose children die before it has begun, for its supervisor
            return None
        some = processes(host)[1:]  # gatekeepers too
        at_work = [child for child in some if child in self._busy()]
        return self.chance.choice(at_work or some) if some else None

    def _busy(self) -> set[int]:
        """The processes that hold a batch."""
        owners: Any = self.site.server.redis.hvals(f"nightshift:job:{self.night.job}:owner")
        return {int(owner.split(b":")[1]) for owner in owners}

    # -- what may happen; False where it could not

    def fault_child_killed(self) -> bool:
        child = self._child()
        if child:
            os.kill(child, signal.SIGKILL)
        return bool(child)

    def fault_host_killed(self) -> None:
        self.site.kill(self._host())

    def fault_host_stopped(self) -> None:
        worker = self._host()
        if " ready." not in worker.text():
            self.site.kill(worker)
            return
        worker.process.terminate()
        self.site.workers.remove(worker)
        self._leaving.append(worker)

    def fault_child_stalled(self) -> bool:
        child = self._child()
        if child:
            os.kill(child, signal.SIGSTOP)
            self._stalled.append((time.monotonic() + self.chance.random() * 14, child))
        return bool(child)

    def fault_server_killed(self) -> None:
        self.site.server.kill()
        time.sleep(self.chance.random() * 4)
        self.site.server.start()

    def fault_server_stalled(self) -> None:
        self.site.server.process.send_signal(signal.SIGSTOP)
        time.sleep(self.chance.random() * 4)
        self.site.server.process.send_signal(signal.SIGCONT)

    def fault_connections_killed(self) -> None:
        self.site.server.redis.client_kill_filter(skipme=True)

    def fault_messages_lost(self) -> bool:
        return bool(self.site.server.redis.delete(*self._queues()))

    def fault_messages_doubled(self) -> bool:
        found = 0
        for queue in self._queues():
            messages: Any = self.site.server.redis.lrange(queue, 0, -1)
            for message in messages:
                self.site.server.redis.lpush(queue, message)
            found += len(messages)
        return found > 0

    def _queues(self) -> list[str]:
        """That of all, and that of those who were told of a root."""
        own: Any = self.site.server.redis.smembers(keys.QUEUES)
        return [keys.SECOND.queue, *map(keys.text, own)]

    def fault_producer_killed(self) -> None:
        self.run.kill()
        self.run.wait()
        self._begin()

    def fault_producer_interrupted(self) -> bool:
        if self.run.poll() is not None or time.monotonic() < self._began + 2:  # it is over, or Python starts
            return False
        self.run.send_signal(signal.SIGINT)
        self.run.wait(30)
        if self.run.returncode == 0:
            return False
        assert self.run.returncode == 4, self.night.said(self.run)
        self._begin()
        return True


def rounds(
    site: Site,
    folder: Path,
    model: Path,
    *,
    count: int,
    seed: int,
    messages: int,
    faults: int,
    pause: float,
    spool: bool,
    say: Any,
) -> Counter[str]:
    """So many jobs; the sum of their figures. Each ends with the checks of `Night.check`."""
    total: Counter[str] = Counter()
    site.staff(HOSTS)
    reference = make_reference(site, folder, model, messages)
    for number in range(count):
        path = folder / f"round{seed}x{number}.csv"
        write_input(path, messages, milliseconds=MILLISECONDS)
        site.staff(HOSTS)
        began = time.monotonic()
        night = Night(site, path, reference, model, spool)
        played = Round(night, random.Random(f"{seed}:{number}"))
        receipt = played.play(faults, pause)
        figures = Counter({name: receipt[name] for name in FIGURES})
        figures["faults"], figures["rounds"] = played.faults.total(), 1
        total += figures
        kinds = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(played.faults.items()))
        say(f"round {number}: {time.monotonic() - began:.0f} s; {kinds}; {describe(figures)}; identical bytes")
        site.ledger.removal.erase(site.ledger.job(night.job).life)
        for file in folder.glob(f"*{path.stem}*"):
            file.unlink()
    return total


def describe(figures: "Counter[str]") -> str:
    return ", ".join(f"{figures[name]:,} {name.replace('_', ' ')}" for name in ("faults", *FIGURES))


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Mixes faults during one job after another.")
    parser.add_argument("--rounds", type=int, default=5, help="jobs")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random but the time things take")
    parser.add_argument("--messages", type=int, default=500_000, help="a job")
    parser.add_argument("--faults", type=int, default=12, help="a job, at most")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between faults, on average")
    parser.add_argument("--spool", action="store_true", help="workers read for themselves, as they do on one machine")
    parser.add_argument("--root", action="store_true", help="so do half of them, who were told of the folder")
    given = parser.parse_args(words)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs, and their children, ignore it
    with open_site("no" if given.spool or given.root else "everysec") as site, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site.root = folder if given.root else None
        total = rounds(
            site, folder, build_model(folder), count=given.rounds, seed=given.seed, messages=given.messages,
            faults=given.faults, pause=given.pause, spool=given.spool, say=lambda text: print(text, flush=True),
        )  # fmt: skip
    print(f"{total['rounds']} rounds of {given.messages:,} messages, seed {given.seed}: {describe(total)}")
    print("every scores file and rejects file was the undisturbed run's, byte for byte; every receipt agreed")


if __name__ == "__main__":
    main(sys.argv[1:])
