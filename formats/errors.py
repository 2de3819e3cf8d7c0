"""The root of our errors: the commands print an error's text as one line and exit with 1."""


class NightshiftError(Exception):
    """Whatever a user can cause or meet: its text is one clear line for people."""


class InputError(NightshiftError):
    """The input file can't be read as the job asks: missing, empty, no such column, changed while being read."""


class ChangedError(InputError):
    """The input is not the file any more that it was when the job began to read it."""
