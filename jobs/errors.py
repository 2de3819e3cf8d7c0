"""What can go wrong with a job: with the settings, the server, or the job itself."""

from collections.abc import Sequence

from formats.errors import NightshiftError
from formats.rejects import Reject


class SettingsError(NightshiftError):
    """A setting or an environment variable has no usable value."""


class ServerError(NightshiftError):
    """Redis or Valkey can't be reached, or the embedded server can't be started."""


class JobError(NightshiftError):
    """The job is unknown, or failed, or can't do what was asked in its present state."""


class MissingError(JobError):
    """There is no such job, or none any more."""


class StoppedError(JobError):
    """The job had more rejects than its producer allowed, and was stopped. `rejects` are the first of them that were
    known then, without their raw text."""

    def __init__(self, text: str, rejects: Sequence[Reject] = ()) -> None:
        super().__init__(text)
        self.rejects = tuple(rejects)


class NewerFormatError(JobError):
    """A newer version of Nightshift wrote it: it is left alone."""


class DamagedError(JobError):
    """What the server has of the job makes no sense, as after a broken disk: it can be forgotten, and scored again."""


class LostError(JobError):
    """What was scored is nowhere to be found as it was written; scoring the input again mends it."""
