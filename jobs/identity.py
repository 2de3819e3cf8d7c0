"""Who works: a process that scores, and the worker whose child it is. Their names are what the ledger has of them."""

import os
import socket
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Process:
    """A process that scores. Its name is host:pid; a host's name may have colons, an IPv6 address."""

    host: str
    pid: int

    @classmethod
    def this(cls) -> Self:
        return cls(socket.gethostname(), os.getpid())

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises ValueError if it is no such name."""
        host, _, pid = name.rpartition(":")
        return cls(host, int(pid))

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"

    def is_alive(self) -> bool:
        """Whether a process of that number is on this host."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's
            return True
        return True


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lease: a process, and a token that its worker made, the same in all its children. host:pid:token."""

    process: Process
    token: str

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises ValueError if it is no such name."""
        process, _, token = name.rpartition(":")
        return cls(Process.parse(process), token)

    @staticmethod
    def has_token(name: str, token: str) -> bool:
        """Whether it is the name of an owner with this token; what else is in the name, a newer version may have put
        there."""
        return name.endswith(f":{token}")

    def __str__(self) -> str:
        return f"{self.process}:{self.token}"


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker: its parent process, and how many processes score for it. Its name is host:pid:processes."""

    parent: Process
    processes: int

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises ValueError if it is no such name."""
        parent, _, processes = name.rpartition(":")
        return cls(Process.parse(parent), int(processes))

    def __str__(self) -> str:
        return f"{self.parent}:{self.processes}"
