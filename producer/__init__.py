"""Nightshift's producer: the `producer` command, and a small Python API.

import producer

job = producer.enqueue("messages.csv")
job.wait()
job.receipt     # what was read, scored, rejected
job.scores()    # a pandas DataFrame
producer.plan("messages.csv")["problem"]    # what would be, and nothing of it is done
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from producer.api import attach, enqueue, parse_reasons, plan
    from producer.submission import Submission

__all__ = ["Submission", "attach", "enqueue", "parse_reasons", "plan"]


def __getattr__(name: str) -> Any:
    # Lazily: `producer --help` needs none of it.
    if name in __all__:
        import nightshift_start

        if line := nightshift_start.in_the_way("jobs", "formats", "graphs"):
            raise ImportError(line)
        from producer import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
