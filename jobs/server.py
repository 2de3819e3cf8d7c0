"""Connections to Redis or Valkey, by the one URL in the environment."""

from urllib.parse import urlsplit, urlunsplit

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from jobs.errors import ServerError, SettingsError

SCHEMES = ("redis", "rediss", "unix")
# What a server that is away, is loading its data, or has no memory left makes of a command: waiting helps.
AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
)


def connect(url: str) -> "redis.Redis":
    """A client for `url` that has answered a PING. Raises SettingsError for a URL that is none, ServerError when nobody
    answers.

    Commands are retried after a broken connection, so whatever must happen once is a script keyed by its batch.
    """
    if urlsplit(url).scheme not in SCHEMES:
        raise SettingsError(f"REDIS_URL must begin with redis://, rediss:// or unix://, not {hide_password(url)!r}")
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=15,  # a connection that is dead without a word is given up after so long
            socket_connect_timeout=5,
            health_check_interval=10,
            retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries=5),
        )
    except ValueError as error:
        raise SettingsError(f"REDIS_URL={hide_password(url)!r}: {error}") from None
    try:
        client.ping()
    except redis.RedisError as error:
        raise ServerError(f"no answer from {hide_password(url)}: {error}") from None
    return client


def hide_password(url: str) -> str:
    """The URL as it may be printed."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = f"{parts.username or ''}:***@"
    return urlunsplit(parts._replace(netloc=user + parts.netloc.rpartition("@")[2]))
