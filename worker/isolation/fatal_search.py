"""The process apart: it scores a batch in trial processes that may die, and finds the records that are fatal.

A piece that kills or hangs its trial process is cut into FAN parts, not into two: what costs is a crash, that is, a
fork and a session, or a time limit waited for, while a harmless part costs one `sess.run`. One record among 1,024 is
found by three crashes.

Where the model mixes rows no piece is scored apart: all records of such a micro-batch are rejects. If nobody knows yet
whether it does, the trial process finds out on the pieces that it survives, before any is scored.
"""

import contextlib
import logging
import os
import resource
import signal
import threading
from collections import deque
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn, cast

import pyarrow as pa

from jobs.batch import Result, RowReject, decode_payload
from jobs.footprint import without_pandas
from model.errors import ModelError
from model.graph.row_class import RowClass
from worker.cage.cage import Cage, limit_memory
from worker.feeds import to_arrays
from worker.isolation.assignment import FAN, Assignment, Piece, piece_seconds
from worker.models import open_model
from worker.score import DIVISIBLE, Scorer, inseparable, join

# Without a single score the model and not the records are to blame: after so many crashes,
HOPELESS = 64
HOPELESS_HUNG = 16  # or when so many pieces hung, and a batch's time limit was waited for
IDLE_SECONDS = 10.0  # before the process apart ends itself
START_SECONDS = 120.0  # for importing TensorFlow, and for opening a session


def serve(asker: Connection, cage: Cage | None = None) -> None:
    """Answers batch after batch, until the asker is gone or has none for a while. Trials are put into the cage."""
    while asker.poll(IDLE_SECONDS):
        search = Search(asker, Assignment.receive(asker), cage)
        try:
            result = search.run()
        except ModelError as error:
            asker.send_bytes(b"model\n" + str(error).encode())
        except RuntimeError as error:
            asker.send_bytes(b"failed\n" + str(error).encode())
        else:
            asker.send_bytes(b"%d\n" % search.crashes + bytes(result.encode()))


class Search:
    """One batch: what is scored of it, and what is still to be tried, in order of size; but while all hangs, parts come
    first, since a model that can score one record soon shows it. Micro-batches that are harmless are scored whole, as
    ever, so that their scores have the same bits."""

    def __init__(self, asker: Connection, assignment: Assignment, cage: Cage | None = None) -> None:
        self._asker, self._assignment, self._cage = asker, assignment, cage
        self._rows = 0
        self._todo: deque[Piece] = deque()
        for records in decode_payload(assignment.payload):
            self._todo.append(Piece(self._rows, records, self._rows))
            self._rows += records.num_rows
        self._done: dict[int, Result] = {}  # by the row at which the piece begins
        self._row_class = assignment.row_class
        self._settled = assignment.row_class is not None  # or it is known that it can't be found
        self._fatal: dict[int, tuple[Piece, RowReject]] = {}  # micro-batches, by where they begin
        self.crashes = 0
        self._hung, self._waited = 0, 0.0  # pieces, and the seconds that they took
        self._has_survived = False  # a piece, or was scored

    def run(self) -> Result:
        while self._todo:
            reject = self._try()
            if reject is None:
                break
            self.crashes += 1
            if self._is_hopeless():
                raise ModelError(f"the model can score no record, in {self.crashes} tries: {reject.detail}")
        return join([self._done[begin] for begin in sorted(self._done)], self._row_class)

    def _is_hopeless(self) -> bool:
        if self._hung >= HOPELESS_HUNG and self._waited >= self._assignment.seconds and not self._has_survived:
            return True
        return self.crashes >= HOPELESS and not any(result.columns for result in self._done.values())

    def _split_or_reject(self, fatal: Piece, reject: RowReject) -> None:
        """Rejects a piece that was fatal, or puts its parts in its place."""
        self._todo.remove(fatal)
        self._fatal.setdefault(fatal.whole, (fatal, reject))
        if fatal.rows == 1 or (self._settled and self._row_class not in DIVISIBLE):
            self._reject(fatal, reject)
        elif self._hung and not self._has_survived:
            self._todo.extendleft(reversed(fatal.split()))
        else:
            self._todo.extend(fatal.split())

    def _reject(self, piece: Piece, reject: RowReject) -> None:
        """All records of it, but for those that have reasons of their own."""
        _, rows, bad = to_arrays(self._assignment.job, piece.records)
        detail = reject.detail + inseparable(len(rows), self._row_class)
        bad |= {int(row): RowReject(int(row), reject.code, detail) for row in rows}
        self._done[piece.begin] = Result({}, tuple(bad[row] for row in sorted(bad)))

    def _settle(self, row_class: RowClass | None) -> None:
        """Nothing is scored before the row class is known, or known not to be found. If records may not be scored apart
        what was cut on the way becomes one again."""
        self._row_class, self._settled = row_class, True
        if row_class in DIVISIBLE:
            return
        for whole, reject in self._fatal.values():
            self._todo = deque(piece for piece in self._todo if piece.whole != whole.begin)
            ends = whole.begin + whole.rows
            self._done = {begin: done for begin, done in self._done.items() if not whole.begin <= begin < ends}
            self._reject(whole, reject)

    def _try(self) -> RowReject | None:
        """Forks a trial that scores what is to do; takes off what it has scored. None when it has scored all, or else
        the reason for which it died, and for which a piece was split or rejected."""
        ours, theirs = Pipe()
        trial = os.fork()
        if trial == 0:
            ours.close()
            self._asker.close()
            self._serve_trial(theirs)
        theirs.close()
        alive = True
        opened = False
        survived = 0  # pieces that were tried out, while the row class is looked for
        try:
            while self._todo or not opened:
                limit = self._limit(survived) if opened else START_SECONDS
                kind, body = self._receive(ours, limit)
                if kind == b"model":
                    raise ModelError(body.decode())
                if kind == b"scored":
                    self._has_survived = True
                    self._done[self._todo.popleft().begin] = Result.decode(body)
                elif kind == b"opened":
                    opened = True
                elif kind == b"survived":
                    survived = int(body)
                    self._has_survived = True
                elif kind == b"found":
                    survived = 0
                    self._settle(self._ask_for_the_row_class(body))
                    ours.send_bytes((self._row_class or "").encode())
                else:
                    if kind == b"gone":
                        body = describe_exit(os.waitstatus_to_exitcode(os.waitpid(trial, 0)[1])).encode()
                        alive = False
                    if not opened:
                        raise RuntimeError(f"the model can't be opened: {body.decode()}")
                    if kind == b"slow":
                        self._hung, self._waited = self._hung + 1, self._waited + limit
                    reject = RowReject(0, "model_timeout" if kind == b"slow" else "model_crash", body.decode())
                    if survived < len(self._todo):
                        self._split_or_reject(self._todo[survived], reject)
                    else:  # of what they make of each other: that is no piece's fault
                        self._settle(None)
                    return reject
            return None
        finally:
            ours.close()
            if alive:
                os.kill(trial, signal.SIGKILL)
                os.waitpid(trial, 0)

    def _limit(self, survived: int) -> float:
        """The time that the trial may take for its next step."""
        rows = self._todo[survived].rows if survived < len(self._todo) else self._rows
        return piece_seconds(self._assignment.seconds, rows / self._rows)

    def _ask_for_the_row_class(self, finding: bytes) -> RowClass | None:
        """What holds for the whole job, once its first worker has said what it found."""
        if not finding:
            return None
        self._asker.send_bytes(b"found\n" + finding)
        return cast(RowClass, self._asker.recv_bytes().decode())

    def _receive(self, trial: Connection, limit: float) -> tuple[bytes, bytes]:
        """The trial's next message, as kind and body; `gone` if it died, `slow` if nothing came in time."""
        self._asker.send_bytes(b"alive\n")
        ready = wait([trial, self._asker], limit)
        if self._asker in ready:
            raise EOFError  # nobody wants the answer any more
        if trial not in ready:
            return b"slow", f"not scored within {limit:g} s".encode()
        try:
            kind, _, body = trial.recv_bytes().partition(b"\n")
            return kind, body
        except (EOFError, OSError):
            return b"gone", b""

    def _serve_trial(self, end: Connection) -> NoReturn:
        """What the trial process does."""
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if self._cage:
                self._cage.enter()
            words: SimpleQueue[bytes] = SimpleQueue()
            threading.Thread(target=_end_with_the_searcher, args=(end, words), daemon=True).start()
            job, model, _, threads, _, _ = self._assignment
            scorer = Scorer(open_model(job.model, model, threads).model, job, self._row_class)
            end.send_bytes(b"opened\n")
            if not self._settled:
                end.send_bytes(b"found\n" + (self._classify(scorer, end) or "").encode())
                word = words.get().decode()
                self._settle(cast(RowClass, word) if word else None)
                scorer.row_class = self._row_class
            for piece in self._todo:
                result = scorer.explain([piece.records], scorer.score(piece.records))
                end.send_bytes(b"scored\n" + bytes(result.encode()))
            os._exit(0)
        except ModelError as error:
            end.send_bytes(b"model\n" + str(error).encode())
        except BaseException as error:
            end.send_bytes(b"raised\n" + f"{type(error).__name__}: {error}"[:500].encode())
        finally:
            os._exit(1)

    def _classify(self, scorer: Scorer, end: Connection) -> RowClass | None:
        """First whether pieces are fatal, then what those that are not make of each other."""
        if scorer.verdict.row_class:
            return scorer.verdict.row_class
        harmless: list[pa.RecordBatch] = []
        while len(harmless) < len(self._todo) and sum(records.num_rows for records in harmless) < FAN:
            scorer.try_out(self._todo[len(harmless)].records)
            harmless.append(self._todo[len(harmless)].records)
            end.send_bytes(b"survived\n%d" % len(harmless))
        looking = b"survived\n%d" % len(self._todo)  # what happens now is no piece's fault
        end.send_bytes(looking)
        return scorer.classify(harmless, lambda: end.send_bytes(looking))


def _end_with_the_searcher(end: Connection, words: "SimpleQueue[bytes]") -> None:
    """Hands on what the trial is told, and ends it when the process that forked it is gone: a graph that hangs would
    stay for ever."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            words.put(end.recv_bytes())
    os._exit(1)


def describe_exit(code: int) -> str:
    """From a process's exit code, as `subprocess` has it."""
    if code >= 0:
        return f"the process exited with {code}"
    return f"the process was killed by {next((s.name for s in signal.Signals if s == -code), f'signal {-code}')}"


def main(descriptor: int, cage: Cage | None = None, memory_bytes: int | None = None) -> None:
    """With a cage, in a process that has TensorFlow imported and one thread."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for the worker, which lets the running batch finish
    without_pandas()
    logging.disable(logging.WARNING)  # one line a session would be one a crash
    with contextlib.suppress(OSError):  # if memory runs out, this one first, and what it forks
        Path("/proc/self/oom_score_adj").write_text("1000")
    limit_memory(memory_bytes)
    if cage:
        cage.enter_to_fork()
    with contextlib.suppress(EOFError, OSError), Connection(descriptor) as asker:
        serve(asker, cage)
