"""Scores a batch that killed its process, where a death costs little, and finds the records that bring it about.

Three processes take part. The pool's child asks (`Isolation`). A fresh interpreter, the process apart, imports
TensorFlow once and never opens a session, so that it can fork at any time. What it forks, the victim, opens the session
and scores; when it dies or hangs, the next one begins behind the piece that was too much for it.

Such a piece is cut into FAN parts, not into two: what costs is a death, that is, a fork and a session, or a time limit
waited for, while an innocent part costs one `sess.run`. One record among 1,024 is found by three deaths.
"""

import contextlib
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import NamedTuple, NoReturn, Self

import pyarrow as pa

from jobs.batch import Result, RowReject, decode_payload
from jobs.lean import without_pandas
from jobs.record import Job
from model.errors import ModelError
from worker.score import Scorer, join
from worker.session import open_session

FAN = 32
HOPELESS = 64  # deaths without a single score, before the model and not the records are to blame
IDLE_SECONDS = 10.0  # before the process apart ends itself
START_SECONDS = 120.0  # for importing TensorFlow, and for opening a session
FLOOR_SECONDS = 5.0  # a piece's time limit is at least this, or the batch's own if that is shorter,
FLOOR_SHARE = 1 / 20  # and at least this share of the batch's, however few rows it has


class Unwanted(Exception):
    """Nobody wants the batch's result any more."""


class Assignment(NamedTuple):
    """A batch that was fatal, and what it takes to score it."""

    job: Job
    model: bytes | None  # the frozen graph, if the server has it
    payload: bytes
    threads: int
    seconds: float  # a batch's time limit

    def send(self, end: Connection) -> None:
        about = [self.job.encode(), self.threads, self.seconds, self.model is not None]
        for body in (json.dumps(about).encode(), self.model or b"", self.payload):
            end.send_bytes(body)

    @classmethod
    def receive(cls, end: Connection) -> Self:
        job, threads, seconds, known = json.loads(end.recv_bytes())
        model, payload = end.recv_bytes(), end.recv_bytes()
        return cls(Job.decode(job), model if known else None, payload, threads, seconds)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a micro-batch's records, and the row of the batch at which they begin."""

    begin: int
    records: pa.RecordBatch

    @property
    def rows(self) -> int:
        return int(self.records.num_rows)

    def split(self) -> "list[Piece]":
        step = -(-self.rows // FAN)
        return [Piece(self.begin + at, self.records.slice(at, step)) for at in range(0, self.rows, step)]


def piece_seconds(batch_seconds: float, share: float) -> float:
    """The time limit of a piece with that share of the batch's rows."""
    return min(batch_seconds, max(FLOOR_SECONDS, batch_seconds * max(share, FLOOR_SHARE)))


# -- in the pool's child


class Isolation:
    """The process apart: started when it is wanted, reused while it lasts."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Connection

    def score(self, assignment: Assignment, wanted: Callable[[], bool] = lambda: True) -> tuple[Result, int]:
        """The batch's result, as `worker.score.score` has it, and how many deaths it took. What kills the process, or
        keeps it for longer than `piece_seconds`, is rejected as `model_crash` or `model_timeout`.

        Raises ModelError where the model is to blame, RuntimeError if the process apart is at fault, and Unwanted when
        `wanted`, asked before each piece, says no.
        """
        if self._process is None or self._end.poll():  # nothing was asked: what there is to read is its end
            self._start()
        try:
            kind, body = self._ask(assignment, wanted)
        except (EOFError, OSError):
            raise RuntimeError(f"while isolating, {_obituary(self.close())}") from None
        except BaseException:
            self.close()
            raise
        if kind == b"model":
            raise ModelError(body.decode())
        if kind == b"failed":
            raise RuntimeError(body.decode())
        return Result.decode(body), int(kind)

    def _ask(self, assignment: Assignment, wanted: Callable[[], bool]) -> tuple[bytes, bytes]:
        assignment.send(self._end)
        while self._end.poll(assignment.seconds + START_SECONDS):
            kind, _, body = self._end.recv_bytes().partition(b"\n")
            if kind != b"alive":
                return kind, body
            if not wanted():
                raise Unwanted
        raise RuntimeError("the isolating process does not answer")

    def close(self) -> int:
        """Its exit code, as `subprocess` has it."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        self._end.close()
        if process.poll() is None:
            process.kill()
        return process.wait()

    def _start(self) -> None:
        self.close()
        self._end, theirs = Pipe()
        with theirs:
            main = f"from worker.isolate import main; main({theirs.fileno()})"
            # Forking with threads about is deprecated; without a session none of them matters.
            command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", main]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])


# -- in the process apart


def serve(asker: Connection) -> None:
    """Answers batch after batch, until the asker is gone or has none for a while."""
    while asker.poll(IDLE_SECONDS):
        search = Search(asker, Assignment.receive(asker))
        try:
            result = search.run()
        except ModelError as error:
            asker.send_bytes(b"model\n" + str(error).encode())
        except RuntimeError as error:
            asker.send_bytes(b"failed\n" + str(error).encode())
        else:
            asker.send_bytes(b"%d\n" % search.deaths + bytes(result.encode()))


class Search:
    """One batch: what is scored of it, and what is still to be tried, in order of size. Micro-batches that are innocent
    are scored whole, as ever, so that their scores have the same bits."""

    def __init__(self, asker: Connection, assignment: Assignment) -> None:
        self._asker, self._assignment = asker, assignment
        self._rows = 0
        self._todo: deque[Piece] = deque()
        for records in decode_payload(assignment.payload):
            self._todo.append(Piece(self._rows, records))
            self._rows += records.num_rows
        self._done: dict[int, Result] = {}  # by the row at which the piece begins
        self.deaths = 0

    def run(self) -> Result:
        while self._todo:
            reject = self._try()
            if reject is None:
                break
            self.deaths += 1
            if self.deaths >= HOPELESS and not any(result.columns for result in self._done.values()):
                raise ModelError(f"the model can score no record, in {self.deaths} tries: {reject.detail}")
            guilty = self._todo.popleft()
            if guilty.rows == 1:
                self._done[guilty.begin] = Result({}, (reject,))
            else:
                self._todo.extend(guilty.split())
        return join([self._done[begin] for begin in sorted(self._done)])

    def _try(self) -> RowReject | None:
        """Forks a victim that scores what is to do; takes off what it has scored. None when it has scored all, or else
        the reason for which the first piece left would be a reject."""
        ours, theirs = Pipe()
        victim = os.fork()
        if victim == 0:
            ours.close()
            self._asker.close()
            self._suffer(theirs)
        theirs.close()
        alive = True
        opened = False
        try:
            while self._todo or not opened:
                limit = START_SECONDS
                if opened:
                    limit = piece_seconds(self._assignment.seconds, self._todo[0].rows / self._rows)
                kind, body = self._hear(ours, limit)
                if kind == b"model":
                    raise ModelError(body.decode())
                if kind == b"scored":
                    self._done[self._todo.popleft().begin] = Result.decode(body)
                elif kind == b"opened":
                    opened = True
                else:
                    if kind == b"gone":
                        body = _obituary(os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])).encode()
                        alive = False
                    if not opened:
                        raise RuntimeError(f"the model can't be opened: {body.decode()}")
                    return RowReject(0, "model_timeout" if kind == b"slow" else "model_crash", body.decode())
            return None
        finally:
            ours.close()
            if alive:
                os.kill(victim, signal.SIGKILL)
                os.waitpid(victim, 0)

    def _hear(self, victim: Connection, limit: float) -> tuple[bytes, bytes]:
        """The victim's next message, as kind and body; `gone` if it died, `slow` if nothing came in time."""
        self._asker.send_bytes(b"alive\n")
        ready = wait([victim, self._asker], limit)
        if self._asker in ready:
            raise EOFError  # nobody wants the answer any more
        if victim not in ready:
            return b"slow", f"not scored within {limit:g} s".encode()
        try:
            kind, _, body = victim.recv_bytes().partition(b"\n")
            return kind, body
        except (EOFError, OSError):
            return b"gone", b""

    def _suffer(self, end: Connection) -> NoReturn:
        """The victim."""
        try:
            threading.Thread(target=_follow_to_the_grave, args=(end,), daemon=True).start()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            with contextlib.suppress(OSError):  # if memory runs out, this one first
                Path("/proc/self/oom_score_adj").write_text("1000")
            job, model, _, threads, _ = self._assignment
            scorer = Scorer(open_session(job.model, lambda _: model, threads), job)
            end.send_bytes(b"opened\n")
            for piece in self._todo:
                end.send_bytes(b"scored\n" + bytes(scorer.score(piece.records).encode()))
            os._exit(0)
        except ModelError as error:
            end.send_bytes(b"model\n" + str(error).encode())
        except BaseException as error:
            end.send_bytes(b"raised\n" + f"{type(error).__name__}: {error}"[:500].encode())
        finally:
            os._exit(1)


def _follow_to_the_grave(end: Connection) -> None:
    """Ends the victim when the process that forked it is gone: a graph that hangs would stay for ever."""
    with contextlib.suppress(EOFError, OSError):
        end.recv_bytes()
    os._exit(1)


def _obituary(code: int) -> str:
    """From a process's exit code, as `subprocess` has it."""
    if code >= 0:
        return f"the process exited with {code}"
    return f"the process was killed by {next((s.name for s in signal.Signals if s == -code), f'signal {-code}')}"


def main(descriptor: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for the worker, which lets the running batch finish
    without_pandas()
    logging.disable(logging.WARNING)  # one line a session would be one a death
    with contextlib.suppress(EOFError, OSError), Connection(descriptor) as asker:
        serve(asker)
