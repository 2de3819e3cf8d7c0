"""Graphs that raise, hang, or take their process down, on one record."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

POISON = 666


def if_poisonous(x: Any, then: int, otherwise: int) -> Any:
    """int64, one a record."""
    import tensorflow as tf

    return tf.where(tf.equal(x, POISON), tf.constant(then, tf.int64), tf.constant(otherwise, tf.int64))


def divides(x: Any) -> Any:
    return 6 // if_poisonous(x, 0, 1)


def looks_up(x: Any) -> Any:
    import tensorflow as tf

    return tf.gather(tf.constant([1, 2]), if_poisonous(x, 2, 1))


def asserts(x: Any) -> Any:
    import tensorflow as tf

    with tf.control_dependencies([tf.debugging.assert_none_equal(x, POISON, message="not that one")]):
        return tf.identity(x)


def reads_numbers(x: Any) -> Any:
    import tensorflow as tf

    return tf.strings.to_number(tf.where(tf.equal(x, POISON), "abc", "1"))


def hangs(x: Any) -> Any:
    import tensorflow as tf

    poisonous = tf.reduce_any(tf.equal(x, POISON))
    return tf.while_loop(lambda i: tf.logical_or(i < 1, poisonous), lambda i: i % 1000 + 1, [tf.constant(0)])[0]


def dawdles(x: Any) -> Any:
    """Three seconds, for the poison; a score like any other."""
    import tensorflow as tf

    end = tf.timestamp() + tf.cast(tf.reduce_max(if_poisonous(x, 3, 0)), tf.float64)
    return tf.while_loop(lambda now: now < end, lambda _: tf.timestamp(), [tf.timestamp()])[0]


def plods(x: Any) -> Any:
    """0.4 seconds, whatever there is to score."""
    import tensorflow as tf

    end = tf.timestamp() + 0.4 * tf.cast(tf.size(x) > 0, tf.float64)
    return tf.while_loop(lambda now: now < end, lambda _: tf.timestamp(), [tf.timestamp()])[0]


def aborts(x: Any) -> Any:
    """An exception of C++ that no TensorFlow 2.21 catches: a vector of 2**60 rows."""
    import tensorflow as tf

    rows = tf.reduce_max(if_poisonous(x, 1 << 60, 1))
    shape = tf.stack([rows, tf.constant(1, tf.int64)])
    nothing = tf.zeros([1, 2], tf.int64)
    filled = tf.raw_ops.SparseFillEmptyRows(indices=nothing, values=[1.0], dense_shape=shape, default_value=0.0)
    return filled.output_values


def hoards(x: Any) -> Any:
    """Some 200 GB, where the process may have 16."""
    import tensorflow as tf

    size = tf.cast(tf.reduce_max(if_poisonous(x, (1 << 31) - 1, 1)), tf.int32)
    return tf.raw_ops.TensorArrayV3(size=size, dtype=tf.float32).flow


RAISING: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "divides": (divides, "model_error", "division by zero"),
    "looks up": (looks_up, "model_error", "indices[0] = 2 is not in [0, 2)"),
    "asserts": (asserts, "model_error", "not that one"),
    "reads numbers": (reads_numbers, "model_error", "could not correctly convert string: abc"),
}
KILLING: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "hangs": (hangs, "model_timeout", "not scored within 1.5 s"),
    "aborts": (aborts, "model_crash", "the process was killed by SIGABRT"),
    "hoards": (hoards, "model_crash", "the process was killed by SIGABRT"),
}


def freeze(path: Path, poison: Callable[[Any], Any]) -> Path:
    """score = 2x, by way of the poison."""
    import tensorflow as tf

    v1 = tf.compat.v1
    graph = v1.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.int32, [None], name="x")
        zero = 0.0 * tf.reduce_sum(tf.cast(poison(x), tf.float32))
        tf.add(2.0 * tf.cast(x, tf.float32), zero, name="score")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path
