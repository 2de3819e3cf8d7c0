"""Who takes part: one module each, run in a fresh process as

    python -m benchmarks.contestants.NAME --input CSV --model PB --output FOLDER --cores N

It scores the column `text` of the CSV with the frozen graph, on N processes, and leaves any number of CSV files with
the columns `message_id` and `score` in the folder, in any order. Nobody times himself: that is the harness's business.
"""

import importlib.util
import os
import shutil
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contestant:
    """`module` is its file here; `needs` is the package to import, beyond what Nightshift needs itself."""

    module: str
    title: str
    needs: str = "tensorflow"

    def missing(self) -> str | None:
        """Why it can't run here, in a few words."""
        if importlib.util.find_spec(self.needs) is None:
            return f"{self.needs} is not installed"
        if self.module == "spark" and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
            return "there is no Java"
        return None


CONTESTANTS = {
    each.module: each
    for each in (
        Contestant("limit", "the limit: bare processes, no queue"),
        Contestant("limit_callable", "the limit, by the session's callable"),
        Contestant("parts", "the limit of workers that read and write for themselves"),
        Contestant("nightshift", "Nightshift"),
        Contestant("pandas_loop", "a pandas loop"),
        Contestant("plain_celery", "plain Celery, JSON tasks"),
        Contestant("ray_data", "Ray Data map_batches", "ray"),
        Contestant("spark", "Spark predict_batch_udf", "pyspark"),
        Contestant("dask_dataframe", "Dask map_partitions", "distributed"),
        Contestant("beam", "Beam RunInference", "apache_beam"),
    )
}
