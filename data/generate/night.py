"""One night of messages: the samples, and streams of any length for benchmarks.

Bulk spam is what makes a night different from a list of texts: the same campaign reaches many people within minutes,
each time from another number. So a part of the messages repeats one of the few campaigns in flight.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, product
from random import Random
from typing import NamedTuple, TypeAlias

from data.generate.grammar import Draw, pick
from data.generate.repertoire import Draft, Label, Repertoire

_DUSK = datetime(2026, 1, 14, 20)
_SECONDS = 10 * 60 * 60
# Of the new texts: repeats raise the share of spam in a night. A training sample wants more of the rarer label.
_SPAM = 0.19
_SPAM_LABELLED = 0.4

# A campaign in flight is repeated until a newer one takes its place.
_CAMPAIGNS_IN_FLIGHT = 8
_CAMPAIGN_STARTS = 0.05  # of the new texts that suit one

_CLOSERS = [" #", " ref ", " no. ", " / ", " - "]
# Three characters at a time: two look-ups spell six.
_TRIPLES = ["".join(three) for three in product("abcdefghijkmnpqrstuvwxyz23456789", repeat=3)]
_CLOSINGS = len(_TRIPLES) ** 2
# Odd, and so without a common factor with the power of two it wraps at: every ordinal gets a closing of its own.
_STRIDE = 618_033_989

# A draft and its sender.
Sent: TypeAlias = tuple[Draft, str]


class Message(NamedTuple):
    """A row of messages.csv, and what only the generator knows about it."""

    message_id: str
    received_at: str
    channel: str
    sender: str
    text: str
    language: str
    label: Label


class LabelledText(NamedTuple):
    """A row of labelled.csv."""

    label: Label
    language: str
    text: str


def messages(count: int = 12_000, seed: int = 20260114) -> Iterator[Message]:
    """Yield the rows of messages.csv."""
    draw = Random(seed).random
    return _night(count, 0.14, _written(Repertoire("messages"), draw), draw)


def labelled(count: int = 6_000, seed: int = 20251203) -> Iterator[LabelledText]:
    """Yield the rows of labelled.csv: no text twice, so that none can carry both labels or weigh more than another."""
    draw = Random(seed).random
    repertoire = Repertoire("labelled")
    seen: set[str] = set()
    while len(seen) < count:
        label: Label = "spam" if draw() < _SPAM_LABELLED else "ham"
        draft = repertoire.draft(label, draw)
        if draft.text not in seen:
            seen.add(draft.text)
            yield LabelledText(label, draft.topic.language, draft.text)


def stream(count: int, seed: int = 0, duplicates: float = 0.0) -> Iterator[Message]:
    """Yield ``count`` messages like those of messages.csv, for benchmarks: a few microseconds each, in constant memory.

    ``duplicates`` is the fraction that repeats the text of an earlier message, once the first campaigns are in flight.
    Every other text is new: it closes with six characters that no other text of the stream has. What stands before
    them is mostly taken from the last few thousand texts written, which is what makes it cheap. ValueError beyond 2**30
    messages, when the closings run out.
    """
    if not 0 <= duplicates < 1:
        raise ValueError(f"duplicates is a fraction from 0 to below 1, not {duplicates}")
    if count > _CLOSINGS:
        raise ValueError(f"a stream has at most {_CLOSINGS:,} messages, not {count:,}")
    draw = Random(seed).random
    return _night(count, duplicates, _closed(_reused(_written(Repertoire(), draw), draw), seed, draw), draw)


def _written(repertoire: Repertoire, draw: Draw) -> Iterator[Sent]:
    """Yield new messages without end."""
    while True:
        draft = repertoire.draft("spam" if draw() < _SPAM else "ham", draw)
        yield draft, draft.topic.senders[draft.channel](draw)


def _reused(source: Iterator[Sent], draw: Draw, pool_size: int = 4096, fresh: float = 1 / 16) -> Iterator[Sent]:
    """Yield a pool of the source's messages, then those again in any order, some replaced by new ones."""
    pool = []
    for sent in islice(source, pool_size):
        pool.append(sent)
        yield sent
    while True:
        position = int(draw() * pool_size)
        if draw() < fresh:
            pool[position] = next(source)
        yield pool[position]


def _closed(source: Iterator[Sent], seed: int, draw: Draw) -> Iterator[Sent]:
    """Yield the source's messages, each with a closing of its own, such as a reference number."""
    for ordinal, ((topic, channel, text), sender) in enumerate(source):
        first, second = divmod((ordinal * _STRIDE + seed) % _CLOSINGS, len(_TRIPLES))
        text = f"{text}{pick(_CLOSERS, draw)}{_TRIPLES[first]}{_TRIPLES[second]}"
        yield Draft(topic, channel, text), sender


def _night(count: int, duplicates: float, source: Iterator[Sent], draw: Draw) -> Iterator[Message]:
    """Yield the source's messages over a night, among them repeats of the campaigns in flight."""
    in_flight: list[Sent] = []
    moment, received_at = -1, ""
    for ordinal in range(count):
        if len(in_flight) == _CAMPAIGNS_IN_FLIGHT and draw() < duplicates:
            draft, sender = pick(in_flight, draw)
            if draft.topic.label == "spam":  # from another number each time; a school's notice has one sender
                sender = draft.topic.senders[draft.channel](draw)
        else:
            draft, sender = next(source)
            if draft.topic.bulk:
                _start_campaign(in_flight, (draft, sender), draw)
        topic, channel, text = draft
        # The evening is busier than the small hours.
        part = (ordinal + draw()) / count
        now = int(_SECONDS * part * (0.7 + 0.3 * part))
        if now != moment:
            moment, received_at = now, f"{_DUSK + timedelta(seconds=now):%Y-%m-%dT%H:%M:%SZ}"
        yield Message(f"m{ordinal + 1:06d}", received_at, channel, sender, text, topic.language, topic.label)


def _start_campaign(in_flight: list[Sent], campaign: Sent, draw: Draw) -> None:
    if len(in_flight) < _CAMPAIGNS_IN_FLIGHT:
        in_flight.append(campaign)
    elif draw() < _CAMPAIGN_STARTS:
        in_flight[int(draw() * _CAMPAIGNS_IN_FLIGHT)] = campaign
