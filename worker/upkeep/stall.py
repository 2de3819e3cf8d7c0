"""Whether this worker makes progress. One that answers a ping may take no work: its consumer may have lost the queue,
or its processes may all hang. Its supervisor can only help if it ends."""

import logging
import mmap
import os
import struct
import threading
import time

from celery.worker import state

log = logging.getLogger(__name__)

SILENT_SECONDS = 30.0  # without progress, before it shows no sign of life any more: it is unhealthy
STUCK_SECONDS = 60.0  # before it ends itself
GAP_SECONDS = 10.0  # between two looks: nobody could make progress meanwhile
ENDING_SECONDS = 30.0  # that it may take to end in order


class StallDetector:
    """Made in the worker's parent before it forks. Its children note there when they take a message."""

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self.well = True
        self._taken = mmap.mmap(-1, 8)  # shared with the children: the monotonic clock when a message was last taken
        self._looked = self._since = time.monotonic()  # the last look, and the last at which all was well
        self._ends = False

    def note(self) -> None:
        """A message was taken."""
        struct.pack_into("d", self._taken, 0, time.monotonic())

    def look(self, waiting: int, held: int) -> None:
        """To be called each second, unless the server is away or full. `waiting` messages are in the queue, and `held`
        batches are being scored here. When nothing is taken for SILENT_SECONDS although there is work and a process to
        do it, `well` is False; after STUCK_SECONDS the worker is ended, with exit code 1."""
        now = time.monotonic()
        if waiting == 0 or held >= self.processes or now - self._looked > GAP_SECONDS:
            self._since = now
        self._looked = now
        taken: float = struct.unpack_from("d", self._taken)[0]
        stuck = now - max(self._since, taken)
        self.well = stuck < SILENT_SECONDS
        if stuck > STUCK_SECONDS and not self._ends:
            self._ends = True
            log.critical("took none of %d waiting batches for %.0f s: ends, to be started again", waiting, stuck)
            end()


def end() -> None:
    """Ends the worker's parent with exit code 1: in order, if it still can."""
    state.should_stop = 1
    last = threading.Timer(ENDING_SECONDS, os._exit, (1,))
    last.daemon = True
    last.start()
