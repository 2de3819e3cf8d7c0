"""`python -m worker.health`: whether the workers of this host make progress, for a container's health check.

A worker shows a sign of life each second, but not when it takes none of the batches that wait (worker/upkeep/stall.py).
"""

import socket
import sys

from formats.errors import NightshiftError
from jobs.identity import Worker
from jobs.presence import ALIVE_SECONDS, Presence
from jobs.server import connect
from jobs.settings import Settings


def unhealthy(host: str, seen: dict[str, int]) -> str | None:
    """Why, or None. `seen` says how many seconds ago each worker showed its last sign of life."""
    ours = {worker: ago for worker, ago in seen.items() if _is_here(worker, host)}
    if not ours:
        return f"no worker on {host}"
    worker, ago = max(ours.items(), key=lambda item: item[1])
    if ago > ALIVE_SECONDS:
        return f"worker {worker} has made no progress for {ago} s"
    return None


def _is_here(name: str, host: str) -> bool:
    """Whether its process is there: one that was killed is remembered for a minute."""
    worker = Worker.parse(name)
    return worker.parent.host == host and worker.parent.is_alive()


def main() -> int:
    host = socket.gethostname()
    try:
        settings = Settings.from_environment()
        if not settings.redis_url:
            raise NightshiftError("REDIS_URL is not set")
        why = unhealthy(host, Presence(connect(settings.redis_url)).workers())
    except NightshiftError as error:
        why = str(error)
    print(f"unhealthy: {why}" if why else f"healthy: the workers on {host} make progress")
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
