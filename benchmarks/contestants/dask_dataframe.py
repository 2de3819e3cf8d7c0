"""Dask: a local cluster of one-thread processes, `read_csv` in blocks, the model run by `map_partitions`, `to_csv`.

Dask's documentation: "Deploy Dask Clusters, Single Machine" and "DataFrame, Best Practices".
"""

from functools import lru_cache

import dask.dataframe as dd
import pandas as pd
from dask.distributed import Client, LocalCluster

from benchmarks.contestants.arguments import arguments
from benchmarks.contestants.scorer import Scorer

BLOCK_BYTES = 16 << 20


@lru_cache(maxsize=1)
def scorer(model: str) -> Scorer:
    """The process's own: a session can't be sent to a worker."""
    return Scorer(model)


def score(frame: pd.DataFrame, model: str) -> pd.DataFrame:
    # By this module's full name: as __main__ it would be another copy in every task, with a cache of its own.
    from benchmarks.contestants.dask_dataframe import scorer

    scores = scorer(model)(frame["text"].to_numpy(object))
    return pd.DataFrame({"message_id": frame["message_id"], "score": scores})


def main() -> None:
    given = arguments()
    # Four blocks a process at least, or a small file would all go to one.
    block = min(BLOCK_BYTES, given.input.stat().st_size // (4 * given.cores) + 1)
    with LocalCluster(n_workers=given.cores, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        messages = dd.read_csv(given.input, blocksize=block, dtype="str")
        meta = {"message_id": messages.dtypes["message_id"], "score": "f4"}
        messages.map_partitions(score, str(given.model), meta=meta).to_csv(given.output / "*.csv", index=False)


if __name__ == "__main__":
    main()
