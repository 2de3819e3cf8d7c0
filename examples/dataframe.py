"""Scores a DataFrame: its texts go to a CSV file, and its scores come back as a column.

    python examples/dataframe.py

Nightshift scores files: a job is known by its file, so that a script that was killed goes on where it was. Give it
a lasting place, and the same script run twice scores once.
"""

from pathlib import Path

import pandas as pd

import producer


def score(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The frame with a column `score` (float32), NaN where a text was rejected. `path` is the CSV file to write; where
    it has the same texts already, it is left as it is, and its job is not scored again."""
    texts = frame[["text"]].assign(row=range(len(frame))).to_csv(index=False).encode()
    if not path.exists() or path.read_bytes() != texts:
        path.write_bytes(texts)
    with producer.enqueue(path, id="row") as job:
        job.wait()
        scores = job.scores()
    by_row = pd.Series(scores["score"].to_numpy(), index=scores["row"].astype(int))
    return frame.assign(score=by_row.reindex(range(len(frame))).to_numpy())


def main() -> None:
    frame = pd.DataFrame(
        {
            "sender": ["tess", "+1 305 555 0111", "bank"],
            "text": ["see you at seven?", "You WON $1000!!! Claim now: https://win.example", "Your code is 4711"],
        }
    )
    print(score(frame, Path("frame.csv")).to_string(index=False))


if __name__ == "__main__":
    main()
