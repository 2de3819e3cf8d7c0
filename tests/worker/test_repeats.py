"""A text that comes twice is scored once, and nobody can tell from the answers."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.feeds import Feed, Fetch
from jobs.batch import Result, RowReject
from jobs.record import Job
from worker.repeats import SAMPLE, distinct, repeat
from worker.runtimes.tensorflow import FrozenGraph
from worker.score import Scorer


def score_alone(records: pa.RecordBatch) -> Result:
    """As a graph would that fails on every text with a `!`."""
    texts = records.column(0).to_pylist()
    rejects = tuple(RowReject(row, "model_error", text.decode()) for row, text in enumerate(texts) if b"!" in text)
    scores = [float(sum(text)) for text in texts if b"!" not in text]
    return Result({"score": pa.array(scores, pa.float32())} if scores else {}, rejects)


def records_of(texts: list[bytes]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(texts, pa.binary())], names=["text"])


@given(st.lists(st.sampled_from([b"win", b"lose", b"", b"!", b"what!", b"\xff\x00"]), min_size=1, max_size=300))
def test_each_record_has_its_own_answer(texts: list[bytes]) -> None:
    records = records_of(texts)
    found = distinct(records)
    if found is None:
        assert len(set(texts[:SAMPLE])) == len(texts[:SAMPLE])
        return
    assert found.records.num_rows == len(set(texts))
    assert repeat(score_alone(found.records), found.which) == score_alone(records)


def test_what_is_not_worth_it_is_left_alone() -> None:
    """The few that come again behind the sample cost less than looking for them."""
    texts = [b"%d" % number for number in range(SAMPLE)]
    assert distinct(records_of([*texts, texts[0]])) is None
    assert distinct(pa.record_batch({"a": texts * 2, "b": texts * 2})) is None, "two columns to compare"


def test_the_graph_sees_each_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf
    from tensorflow.compat import v1

    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None], name="text")
        tf.cast(tf.strings.length(text), tf.float32, name="score")
    job = Job("in.csv", 1, 1, "", (Feed("text", ("text",), "string", (-1,)),), (Fetch("score", "score"),), None, (), 1)
    scorer = Scorer(FrozenGraph(v1.Session(graph=graph)), job, "exact")
    seen: list[int] = []
    run = scorer._run
    monkeypatch.setattr(scorer, "_run", lambda arrays: seen.append(len(arrays[0])) or run(arrays))
    result = scorer.score(records_of([b"a", b"bbb", b"a", b"", b"bbb"]))
    assert result.columns["score"].to_pylist() == [1, 3, 1, 0, 3]
    assert seen == [3]
