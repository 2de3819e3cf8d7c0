"""Ticks where people would put them."""

import math

import pytest

from producer.report.axes import clock, compact, decades, duration, from_zero, linear, percent


def test_linear_ticks_are_round_and_inside() -> None:
    assert [text for _, text in linear(0, 1, "", 10).ticks] == [f"0.{n}" for n in range(10)] + ["1.0"]
    assert [text for _, text in linear(-3.2, 5.1, "", 5).ticks] == ["-2", "0", "2", "4"]
    assert [text for _, text in from_zero(69_033, "", 4).ticks] == ["0", "20k", "40k", "60k", "80k"]
    for low, high in ((0, 1e-9), (1e9, 1e9 + 1), (-1e12, 1e12), (5, 5)):
        axis = linear(low, high, "", 6)
        assert 2 <= len(axis.ticks) <= 13
        assert all(axis.low <= value <= axis.high + 1e-9 for value, _ in axis.ticks)


def test_counts_have_a_tick_a_decade() -> None:
    axis = decades(646_084, "")
    assert [text for _, text in axis.ticks] == ["1", "10", "100", "1k", "10k", "100k"]
    assert (axis.at(0), round(axis.at(axis.high), 9)) == (0, 1)
    assert 0 < axis.at(1) < axis.at(2)


@pytest.mark.parametrize("length", [0.3, 59, 601, 3600, 5 * 3600, 40 * 3600, 12 * 86400])
def test_a_night_has_a_handful_of_times(length: float) -> None:
    axis = clock(1_795_440_344.7, 1_795_440_344.7 + length, 8)
    assert 2 <= len(axis.ticks) <= 12
    steps = {round(after - before, 6) for (before, _), (after, _) in zip(axis.ticks, axis.ticks[1:], strict=False)}
    assert len(steps) == 1
    assert math.isclose(axis.at(length), 1)


def test_numbers_as_people_read_them() -> None:
    assert [compact(value) for value in (0, 950, 1200, 3e6, 2e9)] == ["0", "950", "1.2k", "3M", "2G"]
    assert [percent(share) for share in (0, 1e-6, 0.004, 0.293, 0.9967, 0.999999, 1)] == [
        "0%", "<0.01%", "0.40%", "29.3%", "99.67%", ">99.99%", "100%",
    ]  # fmt: skip
    assert [duration(seconds) for seconds in (0.42, 20.87, 245, 12_000)] == [
        "0.42 s",
        "20.9 s",
        "4 min 05 s",
        "3 h 20 min",
    ]
