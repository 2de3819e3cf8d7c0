"""The most repeated texts: exact while there is room, and with a bound that holds when there is not."""

import random
from collections import Counter

from producer.report.repeated import Repeats


def test_counts_are_exact_while_there_is_room() -> None:
    repeats = Repeats(capacity=100)
    repeats.add(
        [
            (b"a", 3, 0.9, b""),
            (b"b" * 1000, 1, 0.8, b""),
            (b"a", 2, 0.9, b""),
            (b"b" * 1000, 1, 0.8, b""),
            (b"c", 1, 0.7, b""),
        ]
    )
    assert [(each.text[:1], each.count, each.size) for each in repeats.top(9)] == [(b"a", 5, 1), (b"b", 2, 1000)]
    assert (repeats.distinct, repeats.missed) == (3, 0)


def test_texts_that_differ_behind_what_is_kept_are_different() -> None:
    repeats = Repeats()
    repeats.add([(b"x" * 5000 + b"1", 2, 0.9, b""), (b"x" * 5000 + b"2", 3, 0.9, b"")])
    assert [each.count for each in repeats.top(9)] == [3, 2]


def test_the_bound_holds_for_a_stream_of_mostly_different_texts() -> None:
    rng = random.Random(7)
    stream = [b"%d" % (rng.paretovariate(0.6) if rng.random() < 0.4 else rng.random() * 1e9) for _ in range(50_000)]
    capacity = 200
    repeats = Repeats(capacity)
    for start in range(0, len(stream), 1000):
        repeats.add((text, count, 0.5, b"") for text, count in Counter(stream[start : start + 1000]).items())
    truth = Counter(stream)
    assert 0 < repeats.missed <= len(stream) / capacity
    assert repeats.distinct is None
    found = {each.text: each.count for each in repeats.top(10_000)}
    assert all(truth[text] - repeats.missed <= count <= truth[text] for text, count in found.items())
    often = [text for text, count in truth.items() if count > len(stream) / capacity + 1]
    assert often
    assert set(often) <= found.keys()
