"""Whoever goes through all jobs goes on where what the server has of one makes no sense."""

import contextlib
import logging
from collections.abc import Iterator

import redis

from formats.errors import NightshiftError
from jobs.errors import DamagedError, ServerError
from jobs.server import AWAY, RefusedError

log = logging.getLogger(__name__)
MOST_SAID = 10_000  # jobs that are remembered
# Said of the server or of its users, and of no job.
_ELSEWHERE = (*AWAY, ServerError, RefusedError, redis.exceptions.NoPermissionError, redis.exceptions.NoScriptError)
# What a field of another kind makes of what reads it, and a key of another kind of a script.
NO_SENSE = (
    NightshiftError, redis.exceptions.ResponseError, redis.exceptions.DataError,
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, OSError,
)  # fmt: skip


class Skipping:
    """Says once of each job why it is skipped."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    @contextlib.contextmanager
    def over(self, job: str) -> Iterator[None]:
        """What is wrong with this job ends the block and nothing else. Raises what is the server's fault."""
        try:
            yield
        except _ELSEWHERE:
            raise
        except NO_SENSE as error:
            if job not in self._said and len(self._said) < MOST_SAID:
                self._said.add(job)
                log.warning("%s is skipped: %s: %.200s", ascii(job[:80]), type(error).__name__, ascii(str(error)))


@contextlib.contextmanager
def damage_told(job_id: str) -> Iterator[None]:
    """Raises DamagedError where a key of the job is of another kind than ours are."""
    try:
        yield
    except redis.exceptions.ResponseError as error:
        if "WRONGTYPE" in str(error):
            raise DamagedError(f"{job_id}: its keys are damaged; producer forget frees them") from None
        raise
