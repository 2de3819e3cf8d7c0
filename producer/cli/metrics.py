"""`producer metrics`."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from jobs.ledger import Ledger


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT; of `:PORT`, every address of this host."""

    name = "HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value!r} is no HOST:PORT", param, ctx)
        return host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port)  # noqa: S104 -- as it was asked for


@click.command()
@click.option(
    "--listen",
    type=Address(),
    default="127.0.0.1:9464",
    show_default=True,
    help="Where Prometheus finds /metrics. There is no password: keep it inside.",
)
@click.option("--once", is_flag=True, help="Print them once, for node_exporter's textfile collector, say.")
def metrics(listen: tuple[str, int], once: bool) -> None:
    """Metrics of all jobs, workers and the queue for Prometheus, read from the server at each scrape.

    The endpoint stays up when the server is away, and says so: nightshift_up is 0.

    \b
    Examples:
      producer metrics --listen :9464
      producer metrics --once | sponge /var/lib/node_exporter/nightshift.prom
    """
    import contextlib
    import threading

    from jobs.settings import Settings
    from producer.cli.console import connected, say
    from producer.metrics.serve import exposition, lazily, serve

    settings = Settings.from_environment()
    with contextlib.ExitStack() as stack:
        if settings.redis_url is None:
            connection = stack.enter_context(connected())  # the embedded server, for as long as this runs

            def connect() -> "Ledger":
                ledger: Ledger = connection.ledger
                return ledger
        else:
            connect = lazily(settings.redis_url)
        if once:
            click.echo(exposition(connect), nl=False)
            return
        server, url = serve(connect, *listen)
        say(f"metrics are at {url}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:  # how a service ends
            server.shutdown()
