"""The words for feeding and fetching as Python says them."""

from collections.abc import Mapping, Sequence

from graphs.words import Words, cell, read


def make_words(
    feed: Mapping[str, str | Sequence[str]] | Sequence[str] = (),
    set: Mapping[str, object] | Sequence[str] = (),
    fetch: Mapping[str, str] | Sequence[str] = (),
    pad: object = None,
    fill: object = None,
    truncate: bool = False,
) -> Words:
    """The words that `enqueue` takes. Raises GraphError for what is none."""
    if isinstance(feed, Mapping):
        feed = [f"{name}={said if isinstance(said, str) else ','.join(said)}" for name, said in feed.items()]
    if isinstance(set, Mapping):
        set = [f"{name}={cell(value)}" for name, value in set.items()]
    if isinstance(fetch, Mapping):
        fetch = [f"{name}={node}" for name, node in fetch.items()]
    return read(
        feed, set, fetch,
        pad=None if pad is None else cell(pad), fill=None if fill is None else cell(fill), truncate=truncate or None,
    )  # fmt: skip
