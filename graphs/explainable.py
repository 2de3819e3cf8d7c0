"""Which of a job's outputs is explained, and from which of its feeds: producer and workers ask here."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from graphs.errors import GraphError
from graphs.feeds import Feed, Fetch
from graphs.names import short
from graphs.ngram_sums import NgramSum


class Explainable(NamedTuple):
    fetch: Fetch
    feed: int  # which of the job's feeds has the texts


def explainable(fetches: Sequence[Fetch], feeds: Sequence[Feed], find: Callable[[str], NgramSum | None]) -> Explainable:
    """The first output that `find` knows as a sum over n-grams. Raises GraphError if none is one, or if its texts are
    not one column's cells."""
    for fetch in fetches:
        found = None if fetch.tensors else find(fetch.tensor)
        if found is None:
            continue
        for place, feed in enumerate(feeds):
            if short(feed.placeholder) == found.text and feed.form == "cell":
                return Explainable(fetch, place)
        raise GraphError(f"--explain: {found.text!r}, whose texts it would explain, is not fed from a column of them")
    names = ", ".join(repr(fetch.tensor) for fetch in fetches)
    raise GraphError(
        f"--explain: no sum over the pieces of a text makes {names}, so what moved it can't be said exactly; "
        "model explain shows it for single messages, by leaving words out"
    )
