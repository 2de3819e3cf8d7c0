"""The model room's one error: what a user did wrong or met, in one line fit for stderr."""


class ModelError(Exception):
    """A model, checkpoint or corpus cannot be used. `str(error)` is a single line that says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
