"""Commands as forks of a process that has imported everything: tests pay for what a command does, not for its start."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from itertools import count
from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.run import Run


class Zygote:
    """The other end of zygote.py."""

    def __init__(self, program: str = "producer") -> None:
        command = [sys.executable, "-m", "tests.support.zygote", program]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._text = b""
        self.ended: dict[int, int] = {}

    def ask(self, **request: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def look(self, seconds: float) -> None:
        """Takes what it says within that time."""
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        if ready:
            received = os.read(self._process.stdout.fileno(), 1 << 16)
            assert received, "the zygote has died"
            *lines, self._text = (self._text + received).split(b"\n")
            for line in lines:
                answer = json.loads(line)
                if "ended" in answer:
                    self.ended[answer["ended"]] = answer["code"]

    def stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


class Forks:
    """The commands of one test process, in whichever of its threads."""

    def __init__(self, program: str) -> None:
        self._program, self._zygote = program, Zygote(program)
        self._lock = threading.Lock()
        self._numbers = count(1)
        atexit.register(self._zygote.stop)

    def run(self, words: list[str], environment: dict[str, str], folder: Path, timeout: float) -> Run:
        """`PROGRAM WORDS` in that directory. Raises TimeoutError, and kills it, if it does not end."""
        with tempfile.TemporaryDirectory(prefix="nightshift-") as room:
            out, err = Path(room, "out"), Path(room, "err")
            with self._lock:
                number = next(self._numbers)
                self._zygote.ask(
                    run=number, words=words, environment=environment, folder=str(folder), out=str(out), err=str(err)
                )
            code = self._ended(number, timeout)
            if code is None:
                with self._lock:
                    self._zygote.ask(signal=number, number=signal.SIGKILL)
                said = err.read_text(errors="replace")
                raise TimeoutError(f"{self._program} {' '.join(words)} does not end; it said: {said}")
            return Run(code, out.read_text(), err.read_text())

    def _ended(self, number: int, timeout: float) -> int | None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._lock:
                if number in self._zygote.ended:
                    return self._zygote.ended.pop(number)
                self._zygote.look(0.02)
        return None


@cache
def forks(program: str = "producer") -> Forks:
    """Of this test process."""
    return Forks(program)
