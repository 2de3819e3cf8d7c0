"""Beam's RunInference with a model handler of our own, on the local runner with a process a core.

Beam's documentation: "RunInference: use a custom model handler" and, for the processes, "Using the Direct Runner".
"""

import csv
from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, PredictionResult, RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from benchmarks.contestants.arguments import arguments
from benchmarks.contestants.scorer import MICRO_BATCH, Scorer


class FrozenGraphHandler(ModelHandler[str, PredictionResult, Scorer]):
    def __init__(self, model: str) -> None:
        super().__init__(min_batch_size=MICRO_BATCH, max_batch_size=MICRO_BATCH)
        self._model = model

    def load_model(self) -> Scorer:
        return Scorer(self._model)

    def run_inference(
        self,
        batch: Sequence[str],
        model: Scorer,
        inference_args: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> Iterable[PredictionResult]:
        scores = model(np.array(batch, object)).tolist()
        return [PredictionResult(text, score) for text, score in zip(batch, scores, strict=True)]


def parse(line: str) -> tuple[str, str]:
    message_id, text = next(csv.reader([line]))
    return message_id, text


def main() -> None:
    given = arguments()
    options = PipelineOptions(direct_running_mode="multi_processing", direct_num_workers=given.cores)
    # What DirectRunner falls back to once it has failed to download another runner, and what these options are for.
    with beam.Pipeline(runner=FnApiRunner(), options=options) as pipeline:
        (
            pipeline
            | beam.io.ReadFromText(str(given.input), skip_header_lines=1)
            | beam.Map(parse)
            | RunInference(KeyedModelHandler(FrozenGraphHandler(str(given.model))))
            | beam.MapTuple(lambda message_id, result: f"{message_id},{result.inference!r}")
            | beam.io.WriteToText(
                str(given.output / "scores"),
                file_name_suffix=".csv",
                num_shards=given.cores,
                header="message_id,score",
            )
        )


if __name__ == "__main__":
    main()
