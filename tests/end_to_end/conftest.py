"""A farm of real workers for a whole test run, and models."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.farm import Farm, end_farm, make_farm


@pytest.fixture(scope="session")
def farm() -> Iterator[Farm]:
    """A server with two worker processes, shared: jobs of different files don't meet."""
    farm = make_farm()
    farm.start_worker("worker", concurrency=2).ready()
    yield farm
    end_farm(farm)


@pytest.fixture(scope="session")
def xy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph saved and frozen the classic way: op_to_store = x * y + b, placeholders without a shape."""
    import tensorflow as tf

    v1 = tf.compat.v1
    folder = tmp_path_factory.mktemp("xy")
    graph = v1.Graph()
    with graph.as_default(), v1.Session() as session:
        x = v1.placeholder(tf.int32, name="x")
        y = v1.placeholder(tf.int32, name="y")
        b = v1.get_variable("b", initializer=tf.constant(1))
        tf.add(tf.multiply(x, y), b, name="op_to_store")
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "model"))
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["op_to_store"])
    path = folder / "xy.pb"
    path.write_bytes(frozen.SerializeToString())
    return path


@pytest.fixture(scope="session")
def direct_scores() -> Callable[[list[str]], list[float]]:
    """Scores by a plain `sess.run` on the shipped model, with nothing of ours in between."""
    import tensorflow as tf

    v1 = tf.compat.v1
    graph_def = v1.GraphDef.FromString((ROOT / "data" / "spam.pb").read_bytes())
    graph = v1.Graph()
    with graph.as_default():
        v1.import_graph_def(graph_def, name="")
    session = v1.Session(graph=graph)
    return lambda texts: list(session.run("score:0", {"text:0": texts}))
