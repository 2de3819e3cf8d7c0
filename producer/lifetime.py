"""How long the connection of a job stays open that Python code submitted and need not close.

It is closed when the job's object is gone. The embedded server and its workers are different: they score on until the
process ends, so that a script may enqueue first and look later; the next job's connection takes their place.
"""

import atexit
import weakref

from producer.client import Client

_left: list[Client] = []  # embedded ones, of objects that are gone


def tie(owner: object, connection: Client) -> "weakref.finalize[..., object]":
    """Closes `connection` some time after `owner` is gone, and when the process ends at the latest."""
    if connection.embedded and connection.embedded.has_workers:
        _close_left()
    return weakref.finalize(owner, _let_go, connection)


def _let_go(connection: Client) -> None:
    if connection.embedded and (connection.embedded.has_workers or not _left):
        _left.append(connection)
    else:
        connection.close()


def _close_left() -> None:
    while _left:
        _left.pop().close()


atexit.register(_close_left)  # before the first `finalize`, which also runs at exit: so this runs after it
