"""Spark's `predict_batch_udf`, which loads the model once a Python worker and feeds it numpy batches over Arrow.

Spark's API reference: `pyspark.ml.functions.predict_batch_udf`.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import SparkSession
from pyspark.sql.types import FloatType

from benchmarks.contestants.arguments import arguments
from benchmarks.contestants.scorer import MICRO_BATCH, Scorer


def main() -> None:
    given = arguments()
    model = str(given.model)

    def make_predict() -> Callable[[Any], Any]:
        scorer = Scorer(model)
        return lambda texts: scorer(np.asarray(texts, object))

    os.environ["PYSPARK_PYTHON"] = sys.executable  # or it takes the first python3 on the path
    spark = (
        SparkSession.builder.master(f"local[{given.cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    predict = predict_batch_udf(make_predict, return_type=FloatType(), batch_size=MICRO_BATCH)
    messages = spark.read.schema("message_id string, text string").csv(str(given.input), header=True, escape='"')
    scores = messages.select("message_id", predict("text").alias("score"))
    scores.write.mode("overwrite").csv(str(given.output / "scores"), header=True)
    spark.stop()


if __name__ == "__main__":
    main()
