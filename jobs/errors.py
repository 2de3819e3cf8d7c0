"""Every error a user can cause or meet; the commands print its text as one line and exit with 1."""


class NightshiftError(Exception):
    """The root: its text is one clear line for people."""


class InputError(NightshiftError):
    """The input file can't be read as the job asks: missing, empty, no such column, changed while being read."""


class GraphError(NightshiftError):
    """The model file is no frozen graph, or its placeholders and outputs don't fit the job."""


class SettingsError(NightshiftError):
    """A setting or an environment variable has no usable value."""


class ServerError(NightshiftError):
    """Redis or Valkey can't be reached, or the embedded server can't be started."""


class JobError(NightshiftError):
    """The job is unknown, or failed, or can't do what was asked in its present state."""


class NewerFormatError(JobError):
    """A newer version of Nightshift wrote it: it is left alone."""


class DamagedError(JobError):
    """What the server has of the job makes no sense, as after a broken disk: it can be forgotten, and scored again."""


class LostError(JobError):
    """What was scored is nowhere to be found as it was written; scoring the input again mends it."""
