"""The model room's errors: what a user did wrong or met, in one line fit for stderr."""


class ModelError(Exception):
    """A model, checkpoint or corpus cannot be used. `str(error)` is a single line that says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class InterruptedRunError(ModelError):
    """Training was asked to stop and did, after a checkpoint: not a failure, but not a trained model either."""
