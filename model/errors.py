"""The model room's errors: what a user did wrong or met, in one line fit for stderr."""

import re

# What TensorFlow puts before its reason: where in Python the node was made.
_EMPTY = re.compile(
    r"Graph execution error:|Detected at node .*|.*defined at \(most recent call last\):.*|File \".*\", line .*"
    r"|<stack traces unavailable>|Node: .*|\(?[0-9]+\)? root error\(s\) found\.?"
)


class ModelError(Exception):
    """A model, checkpoint or corpus cannot be used. `str(error)` is a single line that says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class InterruptedRunError(ModelError):
    """Training was asked to stop and did, after a checkpoint: not a failure, but not a trained model either."""


def reason(error: Exception) -> str:
    """What TensorFlow's message says of the matter: the first line that has a reason, without the graph's traceback."""
    message = str(getattr(error, "message", None) or error)
    message = message.rpartition("Original error:")[2]
    lines = [line.strip() for line in message.split("\n") if line.strip()]
    useful = [line for line in lines if not _EMPTY.fullmatch(line)]
    return next(iter(useful or lines), type(error).__name__)
