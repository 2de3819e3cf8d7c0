"""A verdict is what a reader of the scores file would come to."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.csv.sink import CsvSink
from graphs.feeds import Fetch
from model.errors import ModelError
from worker.outputs import columns_of
from worker.verdicts import verdicts

SCORE = Fetch("score", "score")
DTYPES = {"float16": np.float16, "float32": np.float32, "float64": np.float64}


@given(st.sampled_from(sorted(DTYPES)), st.data())
def test_it_follows_from_the_text_that_is_written(dtype: str, data: st.DataObject) -> None:
    """Thresholds are on a score, a little beside one, or anywhere, also where the dtype has no number."""
    width = int(dtype.removeprefix("float"))
    values = data.draw(st.lists(st.floats(width=width, allow_nan=True), min_size=1, max_size=8))
    scores = np.array(values, DTYPES[dtype])
    columns = columns_of(SCORE, scores, len(scores))
    texts = [float(line) for line in bytes(CsvSink().encode([columns["score"]])).decode().split()]
    near = [each for each in texts if math.isfinite(each)] or [0.5]
    threshold = data.draw(
        st.sampled_from(near)
        | st.sampled_from(near).map(lambda each: math.nextafter(each, math.inf))
        | st.sampled_from(near).map(lambda each: math.nextafter(each, -math.inf))
        | st.floats(allow_nan=False, allow_infinity=False)
    )
    found = verdicts(SCORE, columns, threshold).to_pylist()
    assert found == [b"spam" if text >= threshold else b"ham" for text in texts]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.array([1, 2]), "is int64"),
        (np.array([True, False]), "is bool"),
        (np.array([b"spam", b"ham"], object), "is a text, or a list"),
        (np.zeros((2, 3), np.float32), "is several columns"),
        (np.zeros((2, 3, 4), np.float32), "is a text, or a list"),
    ],
)
def test_what_is_not_one_float_a_record_has_none(values: "np.ndarray[tuple[int, ...], np.dtype]", what: str) -> None:
    with pytest.raises(ModelError, match=f"the first output, 'score', {what}: --fetch"):
        verdicts(SCORE, columns_of(SCORE, values, 2), 0.5)


def test_a_column_of_floats_is_one_however_it_is_shaped() -> None:
    for shape in ((2,), (2, 1), (2, 1, 1)):
        columns = columns_of(SCORE, np.array([0.4, 0.5], np.float32).reshape(shape), 2)
        assert verdicts(SCORE, columns, 0.5) == pa.array([b"ham", b"spam"], pa.binary())
    column = Fetch("p[1]", "p", 1)
    columns = columns_of(column, np.array([[0.9, 0.1], [0.2, 0.8]], np.float32), 2)
    assert verdicts(column, columns, 0.5).to_pylist() == [b"ham", b"spam"]
