"""The column that says of each record with a high score which pieces of its text moved it most."""

from typing import NamedTuple

REASONS = "reasons"  # the column's name, behind all outputs
MOST = 20  # pieces
FROM = 0.5  # the least score that is explained, unless another is said


class Explain(NamedTuple):
    """What of a job's scores is explained: by so many pieces at most, those of this score and above; nothing by 0."""

    pieces: int = 0
    least: float = 0.0


UNEXPLAINED = Explain()
