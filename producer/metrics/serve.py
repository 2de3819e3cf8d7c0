"""The endpoint, and the same text for once; the connection to the server made when it is needed."""

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, start_http_server
from redis.backoff import NoBackoff
from redis.retry import Retry

from formats.errors import NightshiftError
from jobs.address import Address
from jobs.ledger import Ledger
from jobs.server import client
from producer.metrics.families import LedgerCollector

# Prometheus gives a scrape ten seconds unless told otherwise: a server that is away must show by then.
ANSWER_SECONDS = 3.0
CONNECT_SECONDS = 2.0


def lazily(url: str) -> Callable[[], Ledger]:
    """Connects to `url` when called: nothing is sent before the first command. Raises SettingsError, at once, for a URL
    that is none."""
    found = client(
        Address.parse(url),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 1),  # a connection that broke while nobody looked
    )
    return lambda: Ledger(found)


def exposition(connect: Callable[[], Ledger]) -> bytes:
    """The metrics in Prometheus's text format."""
    return generate_latest(_registry(connect))


def serve(connect: Callable[[], Ledger], host: str, port: int) -> tuple[Any, str]:
    """Answers scrapes in a thread until the returned server is shut down; and the URL. Port 0 is any that is free.
    Raises NightshiftError if nobody may listen there."""
    registry = _registry(connect)
    ProcessCollector(registry=registry)  # of the exporter itself; nothing on systems without /proc
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise NightshiftError(f"can't listen on {host}:{port}: {error.strerror or error}") from None
    shown = f"[{host}]" if ":" in host else host
    return server, f"http://{shown}:{server.server_port}/metrics"


def _registry(connect: Callable[[], Ledger]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(LedgerCollector(connect))
    return registry
