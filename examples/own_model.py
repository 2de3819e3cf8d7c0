"""Scores points with a model of one's own: a TensorFlow 1 graph, frozen into one file.

    python examples/own_model.py

The graph's placeholders `x` and `y` are fed from the columns of the same name, and the node that nothing else consumes,
`distance`, is the output. What a worker would say of such a file, `model inspect distance.pb` says beforehand.
"""

from pathlib import Path

import tensorflow as tf

import producer


def freeze(path: Path) -> None:
    """distance = sqrt(x² + y²) * scale, where `scale` is a variable as training would leave it."""
    v1 = tf.compat.v1
    with v1.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        y = v1.placeholder(tf.float32, [None], name="y")
        scale = v1.get_variable("scale", initializer=tf.constant(10.0))
        tf.multiply(tf.sqrt(x * x + y * y), scale, name="distance")
        session.run(v1.global_variables_initializer())
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["distance"])
    path.write_bytes(frozen.SerializeToString())


def main() -> None:
    freeze(Path("distance.pb"))
    Path("points.csv").write_text("id,x,y\na,1,2\nb,-0.5,3\nc,north,0\n")
    with producer.enqueue("points.csv", model="distance.pb") as job:
        job.wait("points.scores.csv")
        print(job.scores().to_string(index=False))
        for reject in job.rejects():
            print(f"record {reject.record}, line {reject.line}: {reject.code}, {reject.detail}")


if __name__ == "__main__":
    main()
