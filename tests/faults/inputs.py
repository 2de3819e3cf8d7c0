"""Files of any size whose undisturbed scores are known, and a model that takes as long as they say."""

from pathlib import Path

ROWS = 60_000  # some 59 batches: with --batch-bytes 2000 each is one micro-batch


def write_input(path: Path, rows: int, milliseconds: int = 0) -> None:
    """Records of which one in a thousand can't be read, and one in a thousand can't be scored. Every file of as many
    rows gives the same scores, whatever a batch takes."""
    lines = ["id,x,ms"]
    for number in range(1, rows + 1):
        if number % 1009 == 0:
            lines.append(f"{number},none,000000")
        elif number % 997 == 0:
            lines.append(f"{number},too few")
        else:
            lines.append(f"{number},{number * 7919 % 9973:04},{milliseconds:06}")
    path.write_text("\n".join(lines) + "\n")


def build_model(folder: Path) -> Path:
    """A frozen graph that takes as many milliseconds a batch as the column `ms` says, 20 s at most, and whose scores
    don't depend on it: score = sum(tanh(x W))."""
    import numpy as np
    import tensorflow as tf

    v1 = tf.compat.v1
    graph = v1.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.int32, [None], name="x")
        ms = v1.placeholder(tf.int32, [None], name="ms")
        until = tf.timestamp() + tf.cast(tf.minimum(tf.reduce_max(ms), 20_000), tf.float64) / 1000
        woken = v1.while_loop(lambda now: now < until, lambda _: tf.timestamp(), [tf.timestamp()])
        weights = tf.constant(np.random.default_rng(7).normal(size=(1, 64)).astype(np.float32))
        with tf.control_dependencies([woken]):
            hidden = tf.tanh(tf.matmul(tf.cast(x[:, None], tf.float32) / 10_000, weights))
        tf.reduce_sum(hidden, axis=1, name="score")
    path = folder / "slow.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path
