"""Ray Data's offline batch inference: a class given to `map_batches`, of which a pool of actors holds one each.

Ray Data's guides: "End-to-end: Offline Batch Inference"; for one large file, which one task reads and splits for the
actors, "Advanced: Performance Tips and Tuning".
"""

import logging
from typing import Any

import ray

from benchmarks.contestants.arguments import arguments
from benchmarks.contestants.scorer import Scorer

BATCH_ROWS = 16_384


class Predictor:
    def __init__(self, model: str) -> None:
        self._scorer = Scorer(model)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"message_id": batch["message_id"], "score": self._scorer(batch["text"])}


def main() -> None:
    given = arguments()
    # Ray's CPUs are tickets, not cores: the actors hold theirs for good, and reading and writing need some as well.
    ray.init(num_cpus=2 * given.cores, include_dashboard=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    (
        ray.data.read_csv(str(given.input))
        .map_batches(
            Predictor,
            fn_constructor_args=[str(given.model)],
            batch_size=BATCH_ROWS,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=given.cores),
        )
        .write_csv(str(given.output))
    )
    ray.shutdown()


if __name__ == "__main__":
    main()
