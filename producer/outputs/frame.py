"""A job's scores as a DataFrame: pandas is what people hold data in, and is imported when it is asked for."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.batch import Kept, Result
from jobs.record import Job
from producer.outputs.rows import Rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_scores(output: Path, job: Job) -> "pd.DataFrame":
    """The scores file; ids and kept columns are strings."""
    import pandas as pd

    text = _names(job) if job.id_column else list(job.keep)
    return pd.read_csv(
        output, dtype=dict.fromkeys(text, "object"), keep_default_na=False, na_values={},
        encoding_errors="surrogateescape",
    )  # fmt: skip


def join_scores(results: Iterable[tuple[Kept, Result]], job: Job) -> "pd.DataFrame":
    """The same from what the server has."""
    import pandas as pd

    rows = Rows(job, None)
    frames = []
    for kept, result in results:
        if result.scored:
            arrays = rows.scores(kept, result)
            columns = dict(zip([*_names(job), *result.columns], map(_series, arrays), strict=True))
            frames.append(pd.DataFrame(columns))
    if not frames:
        return pd.DataFrame(columns=[*_names(job), *job.fetches])
    return pd.concat(frames, ignore_index=True)


def _names(job: Job) -> list[str]:
    return [job.id_name, *job.keep]


def _series(array: "pa.Array") -> "pd.Series[Any]":
    import pandas as pd
    import pyarrow as pa

    if not pa.types.is_binary(array.type):
        return pd.Series(array.to_pandas())
    return pd.Series([value.decode(errors="surrogateescape") for value in array.to_pylist()], dtype="object")
