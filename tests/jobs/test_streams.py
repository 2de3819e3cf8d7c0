"""Arrow reads a stream without a look: what is forged must be found before a value of it is touched."""

import struct
from collections.abc import Callable

import pyarrow as pa
import pytest

from formats.position import Position
from jobs.batch import Kept, Result, RowReject, decode_answer, decode_payload, encode_payload, payload_records
from jobs.errors import DamagedError
from tests.support.steps import JOB

ROWS = 100
TEXTS = pa.array([b"text %d" % row for row in range(ROWS)], pa.binary())
SCHEMA = pa.schema([("text", pa.binary())])
RESULT = Result({"score": TEXTS}, ())
KEPT = Kept((TEXTS, TEXTS), ROWS, 1, Position(10, 1, 2), ())


def stream(array: pa.Array, name: str = "score", note: bytes = b"[]", **options: str) -> bytes:
    batch = pa.record_batch([array], names=[name]).replace_schema_metadata({b"nightshift": note})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as out:
        out.write_batch(batch)
    return sink.getvalue().to_pybytes()


def with_offset(data: bytes, offset: int) -> bytes:
    """The end of the 50th text is elsewhere."""
    ends = struct.pack("<3i", *(sum(len(b"text %d" % row) for row in range(count)) for count in (49, 50, 51)))
    at = data.index(ends) + 4
    return data[:at] + struct.pack("<i", offset) + data[at + 4 :]


@pytest.mark.parametrize("offset", [2**31 - 1, -1, 2**20])
def test_a_text_that_ends_outside_the_stream_is_refused_and_no_memory_of_the_process_is_shown(offset: int) -> None:
    """It ended the collector with a segmentation fault, or wrote what lay behind into the scores file."""
    for decode, whole in (
        (Result.decode, bytes(RESULT.encode())),
        (Kept.decode, bytes(KEPT.encode())),
        (lambda data: list(decode_payload(data)), payload()),
    ):
        decode(whole)
        with pytest.raises(DamagedError, match="what the server has as"):
            decode(with_offset(whole, offset))


def payload(records: int = ROWS) -> bytes:
    return bytes(encode_payload(SCHEMA, [pa.record_batch([TEXTS], schema=SCHEMA)], 1, records))


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_stream_that_would_have_to_be_unpacked_is_refused(compression: str) -> None:
    """A few KB would become gigabytes."""
    zeros = pa.array([bytes(10_000)] * 100, pa.binary())
    Result.decode(stream(zeros))
    with pytest.raises(DamagedError):
        Result.decode(stream(zeros, compression=compression))


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array([[1], [2]]),
        pa.array([{"a": 1}]),
        pa.array([None, None]),
        pa.array([b"a"], pa.large_binary()),
        pa.array([b"a"], pa.binary_view()),
        pa.array([b"a", None], pa.binary()),
    ],
    ids=lambda array: str(array.type),
)
def test_a_column_of_another_type_than_scores_have_is_refused(array: pa.Array) -> None:
    with pytest.raises(DamagedError):
        Result.decode(stream(array))


Decode = Callable[[], object]


@pytest.mark.parametrize(
    "decode",
    [
        lambda: Result.decode(stream(TEXTS, note=b"[[5, 3, 3]]")),
        lambda: Result.decode(stream(TEXTS, note=b'[[-1, "a", "b", ""]]')),
        lambda: Result.decode(stream(TEXTS, note=b'[[7, "a", "b", ""], [7, "a", "b", ""]]')),
        lambda: Result.decode(stream(TEXTS, note=b'[[101, "a", "b", ""]]')),
        lambda: Result.decode(stream(TEXTS, note=b"[" * 10_000)),
        lambda: Result.decode(b""),
        lambda: Kept.decode(stream(TEXTS, note=b"{}")),
        lambda: list(decode_payload(payload(), ["another"])),
        lambda: list(decode_payload(payload(records=ROWS - 1))),
        lambda: payload_records(stream(TEXTS, note=b"[1e999, null]")),
    ],
)
def test_a_note_that_does_not_fit_is_refused(decode: Decode) -> None:
    with pytest.raises(DamagedError):
        decode()


def test_a_result_has_the_rows_of_its_batch_and_the_outputs_of_its_job() -> None:
    """The collector would make a list of as many records as are said."""
    kept, result = bytes(KEPT.encode()), bytes(RESULT.encode())
    assert decode_answer(JOB, kept, result) == (KEPT, RESULT)
    matrix = Result({"score_0": TEXTS, "score_1": TEXTS}, ())
    assert decode_answer(JOB, kept, bytes(matrix.encode()))[1] == matrix
    others = [
        (KEPT, Result({"score": TEXTS[:-1]}, ())),
        (KEPT, Result({"score": TEXTS}, (RowReject(3, "bad_value", ""),))),
        (KEPT, Result({"other": TEXTS}, ())),
        (Kept((TEXTS,), ROWS, 1, Position(10, 1, 2), ()), RESULT),
        (Kept((), 1 << 40, 1, Position(10, 1, 2), ()), RESULT),
    ]
    for one, other in others:
        with pytest.raises(DamagedError):
            decode_answer(JOB, bytes(one.encode()), bytes(other.encode()))
