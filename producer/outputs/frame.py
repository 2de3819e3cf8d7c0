"""A job's scores as a DataFrame: pandas is what people hold data in, and is imported when it is asked for."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formats.csv.sink import CsvSink
from formats.registry import sink_of
from jobs.error_rows import ERROR
from producer.outputs.scored import Scored

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def frame(scored: Scored) -> "pd.DataFrame":
    """The id and the kept columns, which are strings (but for the id where it is the record's number), then one column
    an output. Where rejects are among the scores, they have nothing (NaN) in these, and their code as `error`."""
    import pandas as pd

    if scored.output is not None or scored.has_errors:  # pandas makes numbers of the text
        texts = [*scored.texts, *([ERROR] if scored.has_errors else [])]
        nothing = {name: [""] for name in scored.outputs} if scored.has_errors else {}
        return pd.read_csv(
            _text(scored), dtype=dict.fromkeys(texts, "object"), keep_default_na=False,
            na_values=nothing, encoding_errors="surrogateescape",
        )  # fmt: skip
    frames = [
        pd.DataFrame({name: _series(array) for name, array in chunk.columns.items()})
        for chunk in scored.chunks()
        if len(chunk.records)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*scored.names, *scored.outputs])


def _text(scored: Scored) -> Path | BytesIO:
    """The scores file as CSV."""
    output = scored.output
    if output is None:
        return BytesIO(b"".join(scored.text(CsvSink())))
    if isinstance(sink_of(output), CsvSink):
        return output
    sink = CsvSink()
    rows = (sink.encode([*chunk.columns.values()]) for chunk in scored.chunks() if len(chunk.records))
    return BytesIO(b"".join([sink.header([*scored.names, *scored.outputs]), *rows]))


def _series(array: "pa.Array") -> "pd.Series[Any]":
    import pandas as pd
    import pyarrow as pa

    if not pa.types.is_binary(array.type):
        return pd.Series(array.to_pandas())
    return pd.Series([value.decode(errors="surrogateescape") for value in array.to_pylist()], dtype="object")
