"""Somebody who may write where others score: puts links, pipes and files of their own at every name that they see there
or can guess, takes files away, holds locks, and tries to read what is not theirs. Ends after so many seconds, and
prints what was read.

    python two_users.py FOLDER SECRET SECONDS
"""

import contextlib
import fcntl
import json
import os
import random
import sys
import time
from pathlib import Path

FINAL = (
    "in.scores.csv", "in.scores.rejects.csv", "in.scores.receipt.json", "in.scores.report.html", ".in.scores.retry",
    ".nightshift", "in.scores.csv.lock",
)  # fmt: skip
STATE = (
    "server.log",
    "server.users",
    "server.keeper",
    "worker.log",
    "valkey.sock",
    "appendonlydir",
    "spool",
    "unpacked",
)


def main(folder: Path, secret: Path, seconds: float) -> None:
    rng, read, held = random.Random(1), [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = [*folder.iterdir()]
        names = [*seen, *(folder / name for name in FINAL), *(each.with_name(f"{each.name}.partial") for each in seen)]
        for path in rng.sample(names, min(8, len(names))):
            if path.name == "in.csv":
                continue
            with contextlib.suppress(OSError):
                if rng.random() < 0.5:
                    path.rename(folder / f"taken-{rng.random()}")
            for way in rng.sample((path.symlink_to, path.hardlink_to), 2):
                with contextlib.suppress(OSError):
                    way(secret)
            with contextlib.suppress(OSError):
                os.mkfifo(path) if rng.random() < 0.3 else path.mkdir() if rng.random() < 0.3 else path.write_text(
                    "theirs"
                )
        for path in (secret, *(folder / ".nightshift" / name for name in STATE)):
            with contextlib.suppress(OSError):
                if path.lstat().st_uid != os.geteuid():
                    path.open("rb").close()
                    read.append(str(path))
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.append(handle)
        if rng.random() < 0.2:
            while held:
                os.close(held.pop())
        time.sleep(0.005)
    print(json.dumps(read))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
