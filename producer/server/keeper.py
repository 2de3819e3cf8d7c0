"""Keeps one process of the embedded mode running for as long as anybody needs it, and no longer.

    python -m producer.server.keeper NAME GRACE [NEEDS...] -- COMMAND...

Whoever needs the process holds a shared lock on NAME.users in the working directory. The kernel drops it when the
holder ends, however it ends, and when the last is gone the keeper stops the process and itself: SIGTERM, and after
GRACE seconds SIGKILL; sooner if the last holder wrote IDLE there. While it runs it holds NAME.keeper, so there is one,
and a shared lock on each of NEEDS, so that what the process needs outlives it. A process that dies is started again.

All that it and its process write there is for this user alone.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from formats.files import safe

POLL_SECONDS = 0.1
IDLE = b"idle"  # nothing is under way
IDLE_GRACE = 0.1  # seconds in which an idle process may say good-bye
GIVE_UP_AFTER = 3  # deaths in a row, each within...
YOUNG_SECONDS = 20.0  # ...this age


def open_lock(path: str) -> IO[bytes]:
    """The lock file, readable by its owner alone. Raises OSError if it is another's, or a link."""
    return safe.open_or_create(path, safe.PRIVATE)


def try_lock(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep(name: str, grace: float, needs: list[str], command: list[str]) -> int:
    """Returns 0 when nobody needs the process any more, 1 when it does not stay up."""
    os.umask(0o077)
    safe.make_private_folder(".")  # whatever its name leads to by now
    alone, users = open_lock(f"{name}.keeper"), open_lock(f"{name}.users")
    deadline = time.monotonic() + 2.0
    while not try_lock(alone, fcntl.LOCK_EX):  # another keeper, or only a command that looks whether there is one
        if time.monotonic() > deadline:
            return 0
        time.sleep(0.01)
    with Path(os.devnull).open("wb") as nothing:  # whoever started it waits for this
        os.dup2(nothing.fileno(), 1)
    needed = [open_lock(f"{need}.users") for need in needs]
    for file in needed:
        fcntl.flock(file, fcntl.LOCK_SH)
    deaths = 0
    with safe.open_or_create(f"{name}.log", safe.PRIVATE) as log:
        fcntl.fcntl(log, fcntl.F_SETFL, os.O_APPEND)
        unneeded = threading.Event()
        threading.Thread(target=_wait_until_unneeded, args=(users, unneeded), daemon=True).start()
        while True:
            born = time.monotonic()
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            while child.poll() is None:
                if unneeded.wait(POLL_SECONDS):
                    users.seek(0)
                    stop(child, min(grace, IDLE_GRACE) if users.read() == IDLE else grace)
                    return 0
            deaths = deaths + 1 if time.monotonic() - born < YOUNG_SECONDS else 1
            if deaths >= GIVE_UP_AFTER:
                return 1
            time.sleep(0.5 * deaths)


def _wait_until_unneeded(users: IO[bytes], unneeded: threading.Event) -> None:
    """From then on the lock is the keeper's alone."""
    fcntl.flock(users, fcntl.LOCK_EX)
    unneeded.set()


def stop(child: "subprocess.Popen[bytes]", grace: float) -> None:
    """SIGTERM, and SIGKILL to all that is left of its session after the grace."""
    child.terminate()
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


if __name__ == "__main__":
    split = sys.argv.index("--")
    sys.exit(keep(sys.argv[1], float(sys.argv[2]), sys.argv[3:split], sys.argv[split + 1 :]))
