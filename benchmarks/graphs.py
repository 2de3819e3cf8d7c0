"""The frozen graphs that are scored: the shipped spam model, and two that are built here.

    python -m benchmarks.graphs cheap PATH

`cheap` is about the least that can be called a classifier of texts: words are hashed to weights and the weights summed.
The cheaper the graph, the more of a contestant's time is its own. `nothing` computes nothing at all.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPAM = ROOT / "data" / "spam.pb"
BUCKETS = 1 << 16


def graph(work: Path, name: str) -> Path:
    """The path of `spam`, `cheap` or `nothing`. Each has a string placeholder `text` and an output `score`."""
    if name == "spam":
        return SPAM
    path = work / f"{name}.pb"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        # In a process of its own: TensorFlow's memory and threads have no place in the harness.
        command = [sys.executable, "-m", "benchmarks.graphs", name, str(path)]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, check=True)
    return path


def build(name: str) -> bytes:
    """The serialised GraphDef. Its weights are constants, drawn with a fixed seed: it is the same each time."""
    import numpy as np
    import tensorflow as tf
    from tensorflow.compat import v1

    with v1.Graph().as_default() as built:
        text = v1.placeholder(tf.string, [None], name="text")
        if name == "cheap":
            weights = np.random.default_rng(0).normal(scale=0.5, size=BUCKETS).astype(np.float32)
            words = tf.raw_ops.StringSplitV2(input=tf.strings.lower(text), sep=" ")
            buckets = tf.strings.to_hash_bucket_fast(words.values, BUCKETS)
            rows = words.indices[:, 0]
            sums = tf.math.unsorted_segment_sum(tf.gather(tf.constant(weights), buckets), rows, tf.size(text))
            tf.sigmoid(sums, name="score")
        else:
            tf.fill(tf.shape(text), 0.0, name="score")
        return built.as_graph_def().SerializeToString()


if __name__ == "__main__":
    target = Path(sys.argv[2])
    partial = target.with_suffix(".partial")
    partial.write_bytes(build(sys.argv[1]))
    partial.rename(target)
