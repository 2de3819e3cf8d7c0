"""Connections to Redis or Valkey, and what can be waited for."""

import socket
from collections.abc import Callable
from typing import Any, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.connection import Connection, ConnectionPool, DefaultParser, SSLConnection
from redis.connection import UnixDomainSocketConnection as SocketConnection
from redis.retry import Retry

from jobs.address import Address
from jobs.errors import ServerError


class AwayError(redis.exceptions.ResponseError):
    """The server is there, and can't serve for a while: it was made a replica, its disk is full, a script keeps it
    busy. redis-py has no name for these answers."""


class RefusedError(redis.exceptions.ResponseError):
    """The server wants another password, or none of ours: waiting does not help. For redis-py it is a broken
    connection, which would be tried again and again."""


# What a server answers that can't serve at this moment: it loads its data, has no memory left, is read-only.
UNABLE = (
    redis.exceptions.BusyLoadingError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
    AwayError,
)
AWAY = (redis.ConnectionError, redis.TimeoutError, *UNABLE)  # what waiting helps against


class Parser(DefaultParser):  # type: ignore[misc, valid-type]  # which one depends on hiredis being there
    """Answers by their first word, from scripts and transactions too."""

    EXCEPTION_CLASSES = {  # noqa: RUF012 -- redis-py's own
        **DefaultParser.EXCEPTION_CLASSES,
        **dict.fromkeys(("MISCONF", "BUSY", "UNBLOCKED", "NOREPLICAS"), AwayError),
        **dict.fromkeys(("NOAUTH", "WRONGPASS"), RefusedError),
        "ERR": {
            text: RefusedError if kind is redis.AuthenticationError else kind
            for text, kind in cast("dict[str, type]", DefaultParser.EXCEPTION_CLASSES["ERR"]).items()
        },
    }


Dial = Callable[[], socket.socket]  # connects to the server, for a process that can't do so itself


def client(address: Address, dial: Dial | None = None, **options: Any) -> "redis.Redis":
    """A client that has not connected yet; `options` are redis-py's of a connection."""
    kind: type[Connection | SocketConnection] = Connection
    if address.path:
        kind = SocketConnection
    elif address.tls is not None:
        kind = SSLConnection
    if dial:
        kind = _dialled(kind, dial)
    pool = ConnectionPool(connection_class=kind, parser_class=Parser, **address.client(), **options)
    found = redis.Redis(connection_pool=pool)
    found.auto_close_connection_pool = True
    return found


def _dialled(kind: type[Connection | SocketConnection], dial: Dial) -> type[Connection | SocketConnection]:
    class Dialled(Connection):
        def _connect(self) -> socket.socket:
            found = dial()
            found.settimeout(self.socket_timeout)
            return found

    if issubclass(kind, SSLConnection):  # it wraps what the next class has connected
        return type("DialledByTls", (SSLConnection, Dialled), {})
    return type("DialledAs", (kind,), {"_connect": Dialled._connect})


def connect(url: str, dial: Dial | None = None) -> "redis.Redis":
    """A client for `url` whose server has answered, if only that it can't serve at this moment. Raises SettingsError
    for a URL that is none, ServerError when nobody answers, or wants another password.

    Commands are retried after a broken connection, so whatever must happen once is a script keyed by its batch.
    """
    address = Address.parse(url)
    found = client(
        address,
        dial,
        socket_timeout=15,  # a connection that is dead without a word is given up after so long
        socket_connect_timeout=5,
        health_check_interval=10,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries=5),
    )
    try:
        found.ping()
    except UNABLE:
        pass
    except (RefusedError, redis.exceptions.NoPermissionError) as error:
        raise ServerError(f"{address} refuses us: {error}") from None
    except redis.RedisError as error:
        raise ServerError(f"no answer from {address}: {error}") from None
    return found
