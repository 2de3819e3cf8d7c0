"""Whether the ledger's tests notice a mutant: a forked process runs them on a server of its own, the fastest first, and
stops at the first that fails. All that they import is imported before, so that a trial takes well under a second."""

import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest

from jobs import scripts
from tests.ledger.world import CLOCK
from tests.support import ROOT, Server

LUA = ROOT / "jobs" / "lua"
TESTS = tuple(
    f"tests/jobs/test_{name}.py"
    for name in (
        "ledger_books", "ledger_ends", "ledger_files", "ledger_leases", "ledger_refusals", "lives", "resend", "queue",
        "ledger",
    )
)  # fmt: skip
IMPORTED = (
    "celery.worker.request",
    "hypothesis",
    "jobs.ledger",
    "jobs.lock",
    "jobs.resend",
    "model.environment",
    "numpy",
    "pyarrow",
)
# In virtual time a moment can be met to the millisecond. (With a mutant of the clock itself there is none.)
MODEL_TEST = "tests/ledger/test_ledger_model.py::test_ten_thousand_random_steps_are_the_models"
SECONDS = 60  # for all tests: they take a few
FAILED, PASSED = 1, 0  # pytest's exit codes

Outcome = Literal["killed", "timeout", "survived"]


class TrialError(Exception):
    """The tests did not run: a trial says nothing."""


def texts() -> dict[str, str]:
    """The scripts as they are, by their files' names."""
    return {path.name: path.read_text() for path in sorted(LUA.glob("*.lua"))}


def prepare() -> None:
    """Before the first trial."""
    for name in IMPORTED:
        importlib.import_module(name)


def check_that_they_load(changed: list[tuple[str, str]]) -> None:
    """Raises redis.ResponseError for a text that is no Lua: the tests would fail, and prove nothing."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    server = Server(folder)
    try:
        for file, text in changed:
            prelude = "" if file in ("prelude.lua", "hold.lua") else (LUA / "prelude.lua").read_text()
            server.redis.script_load(prelude + text)
    finally:
        server.stop()
        shutil.rmtree(folder)


def run(changed: Mapping[str, str]) -> Outcome:
    """What becomes of the tests if these files have these texts. Raises TrialError unless they ran."""
    virtual = CLOCK in changed.get("prelude.lua", CLOCK)
    chosen = [*TESTS, *([MODEL_TEST] if virtual else [])]
    with tempfile.NamedTemporaryFile(prefix="nightshift-") as log:
        child = os.fork()
        if child == 0:
            _run_and_exit(changed, chosen, log.name)
        code = _wait(child)
        if code is None:
            return "timeout"
        if code not in (FAILED, PASSED):
            raise TrialError(f"pytest ended with {code}:\n{Path(log.name).read_text()[-4000:]}")
    return "killed" if code == FAILED else "survived"


def _run_and_exit(changed: Mapping[str, str], chosen: list[str], log: str) -> None:
    os.setsid()  # its server goes with it
    out = os.open(log, os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(ROOT)
    tempfile.tempdir = tempfile.mkdtemp(prefix="nightshift-")  # a short path: a socket is in it
    code = 70
    try:
        lua = {**texts(), **changed}

        def source(name: str) -> str:
            script = lua[f"{name}.lua"]
            return script if name == "hold" else lua["prelude.lua"] + script

        scripts.source = source
        code = int(
            pytest.main(
                ["-x", "-q", "-p", "no:cacheprovider", "--tb=line", "--assert=plain", "-m", "not slow", *chosen]
            )
        )
    except BaseException:
        traceback.print_exc()
    finally:
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int) -> int | None:
    """Its exit code; None if it took too long, and was killed with all that it started."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
