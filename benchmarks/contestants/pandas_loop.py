"""The loop that people write: pandas reads a chunk, `sess.run` scores it, `to_csv` appends it. One process; TensorFlow
may use as many threads as there are cores."""

import pandas as pd
import tensorflow.compat.v1 as tf

from benchmarks.contestants.arguments import arguments

CHUNK_ROWS = 10_000


def main() -> None:
    given = arguments()
    graph_def = tf.GraphDef.FromString(given.model.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    output = given.output / "scores.csv"
    with tf.Session(graph=graph) as session:
        for number, chunk in enumerate(pd.read_csv(given.input, chunksize=CHUNK_ROWS)):
            chunk["score"] = session.run("score:0", {"text:0": chunk["text"].to_numpy(object)})
            chunk[["message_id", "score"]].to_csv(output, mode="a", header=number == 0, index=False)


if __name__ == "__main__":
    main()
