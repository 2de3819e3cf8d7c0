"""The figures of a report, against plain counting of the same rows."""

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formats.errors import InputError
from jobs.errors import JobError
from jobs.ledger import Ledger
from jobs.settings import Settings
from producer.report.figures import Report
from producer.report.gathering import gather
from producer.submission import Submission
from tests.producer.report.conftest import Night
from tests.support.playing import scored_by_text
from tests.support.tables import csv_bytes

HEAD = ["message_id", "channel", "text"]


def gathered(submission: Submission, ledger: Ledger, **options: Any) -> Report:
    return gather(ledger, submission.job, Settings(), **options)


@pytest.fixture
def rows() -> list[list[str]]:
    """Some thousands of messages, 60 % of them repeated; every hundredth is rejected by the worker."""
    rng = random.Random(4)
    found = []
    for number in range(1, 6001):
        score = str(np.float32(rng.betavariate(0.3, 0.5)))
        text = f"{score} unique {number}" if rng.random() < 0.4 else f"{rng.choice(['0.99', '0.7', '0.1'])} again"
        found.append([f"m{number}", rng.choice(["sms", "email", "chat"]), "x" if number % 100 == 0 else text])
    return found


def with_broken(rows: list[list[str]]) -> bytes:
    """The file, with records of one field before the 1st, behind the 3000th and behind the last."""
    return csv_bytes([HEAD, ["broken"], *rows[:3000], ["broken"], *rows[3000:], ["broken"]])


@pytest.mark.parametrize("collect", [True, False])
def test_every_figure_is_what_plain_counting_gives(
    night: Night, ledger: Ledger, rows: list[list[str]], collect: bool
) -> None:
    submission = night(with_broken(rows), scored_by_text, collect=collect, keep=["channel"], batch_bytes=30_000)
    report = gathered(submission, ledger, threshold=0.7, by="channel")
    scored = [(record, *row) for record, row in enumerate(rows, 2) if row[2] != "x"]
    scored = [(record + (record > 3001), *row) for record, *row in scored]  # behind the second broken one
    values = [float(text.split()[0]) for *_, text in scored]
    spam = [value >= 0.7 for value in values]

    assert (report.receipt.records, report.receipt.scored, report.receipt.rejected) == (6003, 5940, 63)
    found = report.scores
    assert found is not None
    assert (found.node, found.counted, found.blocked) == ("score", 5940, sum(spam))
    for choice in found.choices:
        assert choice.blocked == sum(value >= choice.threshold for value in values), choice
    assert found.histogram.coarse(50).tolist() == np.histogram(
        values, np.arange(51) / 50
    )[0].tolist()  # fmt: skip

    expected = Counter(text for (*_, text), blocked in zip(scored, spam, strict=True) if blocked)
    assert [(each.text.decode(), each.count) for each in found.repeats] == [
        (text, count) for text, count in expected.most_common() if count > 1
    ]
    assert found.distinct == len(expected)

    nearest: dict[str, tuple[float, int]] = {}
    for (record, *_, text), value in zip(scored, values, strict=True):
        nearest.setdefault(text, (abs(value - 0.7), record))
    closest = sorted(nearest.items(), key=lambda item: item[1])[:20]
    assert [(each.text or b"").decode() for each in found.nearest] == [text for text, _ in closest]
    assert [each.record for each in found.nearest] == [record for _, (_, record) in closest]
    assert all(each.id == rows[each.record - 2 - (each.record > 3002)][0].encode() for each in found.nearest)

    channels = Counter(channel for _, _, channel, _ in scored)
    caught = Counter(channel for (_, _, channel, _), blocked in zip(scored, spam, strict=True) if blocked)
    assert {group.value.decode(): (group.records, group.spam) for group in report.groups if group.value} == {
        channel: (channels[channel], caught[channel]) for channel in channels
    }
    assert [reject.record for reject in report.rejects["too_few_fields"]] == [1, 3002, 6003]
    assert [reject.record for reject in report.rejects["model_error"]] == [101, 201, 301]
    assert report.speed is not None
    assert sum(lane.records for lane in report.speed.lanes) == 6000
    assert not report.notes


def test_collected_or_not_and_kept_or_not_the_figures_are_the_same(
    night: Night, ledger: Ledger, rows: list[list[str]]
) -> None:
    found = []
    for collect, keep in ((True, ["channel", "text"]), (True, []), (False, [])):
        submission = night(with_broken(rows), scored_by_text, collect=collect, keep=keep, batch_bytes=30_000)
        figures = gathered(submission, ledger, by="channel").to_dict()
        found.append({name: figures[name] for name in ("scores", "by", "rejects", "notes")})
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_without_the_input_there_are_no_texts_and_the_report_says_so(night: Night, ledger: Ledger, what: str) -> None:
    submission = night(csv_bytes([HEAD, ["a", "sms", "0.9 hi"], ["b", "sms", "0.2 hi"]]), scored_by_text)
    path = Path(submission.job.input)
    if what == "gone":
        path.unlink()
    else:
        os.utime(path, ns=(1, 1))
    report = gathered(submission, ledger, by="channel")
    assert len(report.notes) == 2
    assert report.notes[0].startswith("No texts: ")
    assert str(path) in report.notes[0]
    assert report.scores is not None
    assert [(each.id, each.text) for each in report.scores.nearest] == [(b"b", None), (b"a", None)]
    assert (report.scores.blocked, report.scores.repeats, report.groups) == (1, [], [])


def test_without_the_scores_file_the_receipt_and_the_speed_are_left(night: Night, ledger: Ledger) -> None:
    submission = night(csv_bytes([HEAD, ["a", "sms", "0.9 hi"]]), scored_by_text)
    output = Path(submission.job.input).with_suffix(".scores.csv")
    output.write_bytes(output.read_bytes() + b"b,0.1\n")
    report = gathered(submission, ledger)
    assert (report.scores, report.receipt.scored, report.speed is None) == (None, 1, False)
    assert "is not there as it was written" in report.notes[0]
    output.unlink()
    assert str(output) in gathered(submission, ledger).notes[0]


def test_scores_outside_0_to_1_have_bins_of_their_own_and_nan_is_counted_apart(night: Night, ledger: Ledger) -> None:
    texts = ["-3 a", "5 b", "0.5 c", "nan d", "2.5 e", "inf f"]
    for collect in (True, False):
        submission = night(csv_bytes([["text"], *([text] for text in texts)]), scored_by_text, collect=collect)
        report = gathered(submission, ledger)
        assert report.scores is not None
        histogram = report.scores.histogram
        assert (histogram.low, histogram.high, histogram.nan, histogram.total) == (-3, 5, 1, 5)
        assert histogram.coarse(2).tolist() == [2, 3]
        assert report.scores.blocked == 4
        assert [each.record for each in report.scores.nearest] == [3, 5, 1, 2]
        assert json.loads(json.dumps(report.to_dict(), allow_nan=False))


@pytest.mark.parametrize("texts", [[], ["x"], ["0.5 only"]])
def test_jobs_of_hardly_anything_have_a_report(night: Night, ledger: Ledger, texts: list[str]) -> None:
    from producer.report.page import render

    submission = night(csv_bytes([["text"], *([text] for text in texts)]), scored_by_text)
    report = gathered(submission, ledger)
    assert report.receipt.state == "complete"
    assert "The counts agree" in render(report, 0)


def test_what_is_not_there_is_an_error_of_one_line(night: Night, ledger: Ledger, settings: Settings) -> None:
    submission = night(csv_bytes([HEAD, ["a", "sms", "0.9 hi"]]), scored_by_text)
    with pytest.raises(InputError, match="no column 'kanal' to group by; there are 'message_id', 'channel', 'text'"):
        gathered(submission, ledger, by="kanal")
    with pytest.raises(JobError, match="has no output 'logit'; it has score"):
        gathered(submission, ledger, node="logit")
    ledger.redis.hset(f"nightshift:job:{submission.id}", "state", "running")
    with pytest.raises(JobError, match="is running: a report needs a complete job"):
        gathered(submission, ledger)
