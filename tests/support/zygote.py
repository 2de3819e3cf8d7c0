"""Runs commands as forks of one process that has imported everything: a command starts in milliseconds, and can be
killed at any of them.

    python -m tests.support.zygote producer|model

Reads requests and writes answers, a JSON object a line: {"run": NUMBER, "words", "environment", "folder", "out", "err"}
starts a command, {"signal": NUMBER, "number": SIGNAL} is for a running one; {"ended": NUMBER, "code"} says that one has
ended, with what `subprocess` calls its return code.
"""

import importlib
import json
import os
import pkgutil
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import nightshift_start
from jobs.footprint import keep_freed_memory, without_pandas
from model import environment

ROOMS = {"producer": ("producer", "jobs", "formats", "graphs"), "model": ("model", "formats", "graphs")}
APART = ("producer.outputs.frame",)  # pandas, which commands can do without


def warm_up(program: str) -> None:
    """Imports what the commands import late. Nothing of it may start a thread or open a connection."""
    for room in ROOMS[program]:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            if module.name not in APART:
                importlib.import_module(module.name)
    threads = {path.read_text().strip() for path in Path("/proc/self/task").glob("[0-9]*/comm")}
    # jemalloc knows how to fork, and is not used: Arrow has the system's allocator.
    assert len(threads - {"jemalloc_bg_thd"}) == 1, "a process with threads must not fork"


def command(program: str, request: dict[str, Any]) -> int:
    """In the child: what the script does, to the exit code."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for stream, path in ((1, request["out"]), (2, request["err"])):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.dup2(handle, stream)
        os.close(handle)
    sys.stdin, sys.stdout, sys.stderr = (
        open(0, closefd=False),  # noqa: SIM115
        open(1, "w", closefd=False),  # noqa: SIM115
        open(2, "w", buffering=1, closefd=False),  # noqa: SIM115
    )
    sys.argv = [program, *request["words"]]
    code: object = 0
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as Python has it
    try:
        getattr(nightshift_start, program)()
    except SystemExit as end:
        code = end.code
    except BaseException:  # what an interpreter would do
        traceback.print_exc()
        code = 1
    for stream_ in (sys.stdout, sys.stderr):
        try:
            stream_.flush()
        except (OSError, ValueError):
            continue
    return code if isinstance(code, int) else 0 if code is None else 1


def main(program: str) -> None:
    without_pandas()
    keep_freed_memory()
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if program == "model":
        environment.prepare()
    warm_up(program)
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    ears, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: whoever started this ends it
    running: dict[int, int] = {}  # process -> number
    text = b""

    def say(**answer: object) -> None:
        os.write(answers, json.dumps(answer).encode() + b"\n")

    say(ready=os.getpid())
    while True:
        ready, _, _ = select.select([requests, ears], [], [])
        if ears in ready:
            os.read(ears, 4096)
            while running:
                process, status = os.waitpid(-1, os.WNOHANG)
                if not process:
                    break
                say(ended=running.pop(process), code=os.waitstatus_to_exitcode(status))
        if requests not in ready:
            continue
        received = os.read(requests, 1 << 16)
        if not received:
            return
        *lines, text = (text + received).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "signal" in request:
                for process in [process for process, number in running.items() if number == request["signal"]]:
                    os.kill(process, request["number"])
                continue
            process = os.fork()
            if process == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for handle in (requests, answers, ears, mouth):
                    os.close(handle)
                os._exit(command(program, request))
            running[process] = request["run"]


if __name__ == "__main__":
    main(sys.argv[1])
