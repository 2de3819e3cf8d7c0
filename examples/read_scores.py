"""Reads the scores of a job as a DataFrame, and says what a threshold would block in each channel.

    python examples/read_scores.py data/messages.csv channel

To enqueue a file whose job is done gives that job: nothing is scored again. `producer.attach(job_id)` does the same for
who has the id and not the file.
"""

import sys

import pandas as pd

import producer

THRESHOLD = 0.5


def blocked(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    """How many messages there are for each value of the column, and which share of them would be blocked."""
    groups = (scores["score"] >= THRESHOLD).groupby(scores[column])
    table = pd.DataFrame({"messages": groups.size(), "blocked": groups.mean()})
    return table.sort_values("blocked", ascending=False)


def main(file: str, column: str) -> None:
    with producer.enqueue(file, keep=[column]) as job:
        job.wait()
        print(blocked(job.scores(), column).to_string(float_format="{:.1%}".format))


if __name__ == "__main__":
    main(*sys.argv[1:])
