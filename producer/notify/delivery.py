"""What is to be delivered to a hook, by whom, and how that can fail."""

from typing import Any, Literal, NamedTuple, Protocol

Event = Literal["complete", "failed", "stopped", "late"]
THREADS = "nightshift hook"  # how the threads' names begin that deliver


class Turn(Protocol):
    """Sees to it that of several followers one delivers (producer/notify/news.py)."""

    def take(self, target: str) -> bool:
        """Whether to deliver. May block for as long as another follower is at it."""

    def settle(self, target: str, delivered: bool) -> None: ...


class Delivery(NamedTuple):
    event: Event
    document: dict[str, Any]
    turn: Turn | None


class DeliveryError(Exception):
    """Its text says why, in one line, and tells no secret."""
