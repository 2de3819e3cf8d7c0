"""The embedded server and its workers start while the command that needs them is still being imported: TensorFlow takes
its seconds, and what a command imports takes most of one."""

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from formats.errors import NightshiftError
from jobs.settings import Settings

if TYPE_CHECKING:
    from producer.server.embedded import Embedded

LEAVE_SECONDS = 1.0  # for which a command that ends early waits for a server that is still starting


class HeadStart:
    """Begins at once, in a thread. What was started is for whoever takes it."""

    def __init__(self, settings: Settings, workers: int) -> None:
        """`workers`: so many processes; 0: one a core."""
        self._settings, self._workers = settings, workers or os.cpu_count() or 1
        self._embedded: Embedded | None = None
        self._thread = threading.Thread(target=self._start, name="head start", daemon=True)
        self._thread.start()

    def _start(self) -> None:
        from producer.server.embedded import Embedded

        with contextlib.suppress(NightshiftError):  # whoever takes it is told, when it is tried again
            self._embedded = Embedded(self._settings.home, self._settings.spool)
            self._embedded.start_server()
            self._embedded.start_workers(self._workers)

    def take(self) -> "Embedded | None":
        """What was started, as far as it could be; from now on the caller's."""
        self._thread.join()
        embedded, self._embedded = self._embedded, None
        return embedded

    def close(self) -> None:
        """Stops what nobody took."""
        self._thread.join(LEAVE_SECONDS)
        if self._embedded and not self._thread.is_alive():
            self._embedded.close(idle=True)
