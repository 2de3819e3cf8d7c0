"""What the sample data promises: anybody can make it again, any CSV reader reads it, and it is varied."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from data.generate import messages, stream
from data.generate.__main__ import DATA, write_samples
from data.generate.grammar import Grammar

LANGUAGES = {"en", "ko", "zh", "es", "ja"}


def read(name: str) -> list[list[str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


@pytest.fixture(scope="module")
def night() -> list[list[str]]:
    return read("messages.csv")


@pytest.fixture(scope="module")
def training() -> list[list[str]]:
    return read("labelled.csv")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The samples generated again: their folder, and the table of counts of each."""
    folder = tmp_path_factory.mktemp("samples")
    return folder, write_samples(folder)


@pytest.fixture(scope="module")
def labels() -> dict[str, str]:
    """The label of every text of the night, which only the generator knows."""
    return {message.text: message.label for message in messages()}


def test_generating_the_samples_again_gives_the_committed_bytes(written: tuple[Path, dict[str, str]]) -> None:
    """So that a change to the vocabulary never leaves stale files behind, and scores of the sample can be compared."""
    folder, tables = written
    for name in tables:
        assert (folder / name).read_bytes() == (DATA / name).read_bytes(), f"{name}: run python -m data.generate"


def test_the_readme_counts_what_the_files_hold(written: tuple[Path, dict[str, str]]) -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for name, counts in written[1].items():
        assert counts in readme, f"{name}: copy the table that python -m data.generate prints"


def test_every_record_of_the_night_is_well_formed(night: list[list[str]]) -> None:
    """A first job on the sample ends with a receipt of at least 10,000 scored and none rejected."""
    header, *rows = night
    assert header == ["message_id", "received_at", "channel", "sender", "text"]
    assert len(rows) >= 10_000
    assert {len(row) for row in rows} == {5}
    assert all(all(row) for row in rows), "no field is empty"
    assert len({row[0] for row in rows}) == len(rows), "ids are unique"


def test_messages_arrive_in_the_order_of_the_file_during_one_night(night: list[list[str]]) -> None:
    times = [row[1] for row in night[1:]]
    assert all(re.fullmatch(r"2026-01-1[45]T\d\d:\d\d:\d\dZ", time) for time in times)
    assert all(earlier <= later for earlier, later in pairwise(times))


@pytest.mark.parametrize("name", ["messages.csv", "labelled.csv"])
def test_the_files_are_rfc_4180_in_utf_8_with_lf_line_ends(name: str) -> None:
    raw = (DATA / name).read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf"), "no byte order mark"
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    raw.decode("utf-8")


@pytest.mark.parametrize(
    ("ingredient", "pattern", "least"),
    [
        ("a newline inside a field", r"\n", 300),
        ("a comma", ",", 1_000),
        ("a double quote", '"', 100),
        ("Hangul", "[가-힣]", 1_500),
        ("Han without kana", "^[^ぁ-ヿ]*[一-鿿][^ぁ-ヿ]*$", 1_000),
        ("kana", "[ぁ-ヿ]", 500),
        ("an accented letter", "[áéíóúñ]", 300),
        ("an emoji", "[\U0001f300-\U0001faff]", 1_000),
        ("an emoji of several code points", "\u200d", 20),
        ("an invisible character", "[\u200b\u200c\u2060\u00ad]", 100),
        ("a Latin word in Cyrillic letters", "[\u0400-\u04ff]", 30),
        ("full-width digits", "[０-９]{2}", 20),
        ("a link", r"\w\.example", 2_000),
    ],
)
def test_the_night_holds_what_trips_up_readers_and_models(
    night: list[list[str]], ingredient: str, pattern: str, least: int
) -> None:
    found = sum(re.search(pattern, row[4]) is not None for row in night[1:])
    assert found >= least, f"{ingredient}: {found:,} messages"


def test_campaigns_reach_many_people_from_many_numbers(night: list[list[str]], labels: dict[str, str]) -> None:
    """Duplicates are what makes scoring a night different from scoring a list of texts."""
    copies = Counter(row[4] for row in night[1:])
    campaigns = {text for text, count in copies.items() if count >= 5 and len(text) > 30}
    assert len(campaigns) >= 50
    text = max((text for text in campaigns if labels[text] == "spam"), key=copies.__getitem__)
    assert len({row[3] for row in night[1:] if row[4] == text}) > 1


def test_lengths_are_those_of_short_messages_with_a_long_tail(night: list[list[str]]) -> None:
    lengths = sorted(len(row[4].encode()) for row in night[1:])
    assert 60 <= lengths[len(lengths) // 2] <= 100
    assert lengths[0] <= 2
    assert 700 <= lengths[-1] <= 1_200


def test_about_a_quarter_of_the_night_is_spam(night: list[list[str]], labels: dict[str, str]) -> None:
    spam = sum(labels[row[4]] == "spam" for row in night[1:])
    assert 0.25 <= spam / (len(night) - 1) <= 0.30


def test_the_training_sample_has_both_labels_in_every_language(training: list[list[str]]) -> None:
    header, *rows = training
    assert header == ["label", "language", "text"]
    counts = Counter((label, language) for label, language, _ in rows)
    assert set(counts) == {(label, language) for label in ("ham", "spam") for language in LANGUAGES}
    assert min(counts.values()) >= 200


def test_no_training_text_stands_twice_or_carries_another_label_in_the_night(
    training: list[list[str]], labels: dict[str, str]
) -> None:
    assert len({text for _, _, text in training[1:]}) == len(training) - 1
    assert all(labels.get(text, label) == label for label, _, text in training[1:])


def test_the_night_is_no_copy_of_the_training_sample(night: list[list[str]], training: list[list[str]]) -> None:
    """Or a model evaluated on one after learning from the other would look better than it is."""
    seen = {row[2] for row in training[1:]}
    texts = {row[4] for row in night[1:] if len(row[4]) > 20}
    assert len(texts & seen) / len(texts) < 0.02


def test_a_stream_repeats_no_text_unless_asked_to() -> None:
    texts = [message.text for message in stream(20_000, seed=7)]
    assert len(set(texts)) == len(texts)


def test_a_stream_repeats_the_fraction_asked_for() -> None:
    texts = [message.text for message in stream(20_000, seed=7, duplicates=0.4)]
    assert 1 - len(set(texts)) / len(texts) == pytest.approx(0.4, abs=0.02)


def test_a_stream_is_decided_by_its_seed() -> None:
    assert list(stream(500, seed=1)) == list(stream(500, seed=1))
    assert list(stream(500, seed=1)) != list(stream(500, seed=2))


@pytest.mark.parametrize("duplicates", [-0.1, 1.0])
def test_a_stream_refuses_an_impossible_fraction(duplicates: float) -> None:
    with pytest.raises(ValueError, match="duplicates is a fraction"):
        stream(1, duplicates=duplicates)


def test_a_mistyped_slot_is_refused_by_name() -> None:
    """A typing error in a vocabulary file must not end up in a message as literal braces."""
    with pytest.raises(ValueError, match=r"called \{freind\}"):
        Grammar({"friend": ["Ana"]}).compile("Hi {freind}")


def test_a_slot_that_holds_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="echo > again > echo"):
        Grammar({"echo": ["{again}!"], "again": ["{echo}"]}).compile("{echo}")
