"""Scores a batch that killed its process, where a crash costs little, and finds the records that bring it about.

Three processes take part. The pool's child asks (`Isolation`). The process apart has TensorFlow imported and never
opens a session, so that it can fork at any time (fatal_search.py): a fresh interpreter, or, where the child is caged
and can start none, a fork of its gatekeeper. What it forks, the trial process, opens the session and scores; if it dies
or hangs, the next one begins behind the piece that did this to it.
"""

import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import Protocol, cast

from jobs.batch import Result
from model.errors import ModelError
from model.graph.row_class import RowClass
from worker.isolation.assignment import Assignment
from worker.isolation.fatal_search import START_SECONDS, describe_exit


class Unwanted(Exception):
    """Nobody wants the batch's result any more."""


class ProcessApart(Protocol):
    """As `subprocess.Popen` has it."""

    def poll(self) -> int | None: ...

    def kill(self) -> None: ...

    def wait(self) -> int: ...


class Isolation:
    """The process apart: started when it is wanted, reused while it lasts."""

    def __init__(self, start: "Callable[[], tuple[ProcessApart, Connection]] | None" = None) -> None:
        """`start` starts the process apart, and returns our end of what it listens to."""
        self._start_process = start or _fresh_interpreter
        self._process: ProcessApart | None = None
        self._end: Connection

    def score(
        self,
        assignment: Assignment,
        wanted: Callable[[], bool] = lambda: True,
        note: Callable[[RowClass], RowClass] = lambda finding: finding,
    ) -> tuple[Result, int]:
        """The batch's result, as `worker.score.score` has it, and how many crashes it took. What kills the process, or
        keeps it for longer than `piece_seconds`, is rejected as `model_crash` or `model_timeout`.

        Raises ModelError where the model is to blame, RuntimeError if the process apart is at fault, and Unwanted when
        `wanted`, asked before each piece, says no.
        """
        if self._process is None or self._end.poll():  # nothing was asked: what there is to read is its end
            self._start()
        try:
            kind, body = self._ask(assignment, wanted, note)
        except (EOFError, OSError):
            raise RuntimeError(f"while isolating, {describe_exit(self.close())}") from None
        except BaseException:
            self.close()
            raise
        if kind == b"model":
            raise ModelError(body.decode())
        if kind == b"failed":
            raise RuntimeError(body.decode())
        return Result.decode(body), int(kind)

    def _ask(
        self, assignment: Assignment, wanted: Callable[[], bool], note: Callable[[RowClass], RowClass]
    ) -> tuple[bytes, bytes]:
        assignment.send(self._end)
        while self._end.poll(assignment.seconds + START_SECONDS):
            kind, _, body = self._end.recv_bytes().partition(b"\n")
            if kind == b"found":
                self._end.send_bytes(note(cast(RowClass, body.decode())).encode())
            elif kind != b"alive":
                return kind, body
            elif not wanted():
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
        self._process, self._end = self._start_process()


def _fresh_interpreter() -> tuple[ProcessApart, Connection]:
    ours, theirs = Pipe()
    with theirs:
        main = f"from worker.isolation.fatal_search import main; main({theirs.fileno()})"
        # Forking with threads about is deprecated; without a session none of them matters.
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", main]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]), ours
