"""Small labelled files, a model trained on them, other people's graphs, and the model we ship."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model import corpus, sessions
from model.checkpoints import saving
from model.graph import frozen
from model.training import train
from tests.support.labelled import HAM, SPAM

ROOT = Path(__file__).parents[2]


def values(prefix: str | Path) -> dict[str, bytes]:
    """Each value of a checkpoint, to the last bit."""
    reader = tf.train.load_checkpoint(str(prefix))
    return {name: np.asarray(reader.get_tensor(name)).tobytes() for name in reader.get_variable_to_shape_map()}


def run_frozen(path: Path, fetch: str, feeds: dict[str, object]) -> npt.NDArray[np.generic]:
    """Run a frozen file."""
    with v1.Graph().as_default() as graph:
        v1.import_graph_def(v1.GraphDef.FromString(path.read_bytes()), name="")
    with v1.Session(graph=graph, config=sessions.as_written()) as session:
        return np.asarray(session.run(fetch, feeds))


@pytest.fixture
def branches_of_tensorflow_1() -> Iterator[None]:
    """`cond` and `while_loop` are built of Switch and Merge, as in graphs of before 2019."""
    v1.disable_control_flow_v2()
    yield
    v1.enable_control_flow_v2()


@pytest.fixture
def xy() -> Iterator[v1.Session]:
    """The classic example: placeholders x and y, a variable b = 1, and op_to_store = x * y + b."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x, y = v1.placeholder(tf.int32, name="x"), v1.placeholder(tf.int32, name="y")
        b = v1.get_variable("b", initializer=tf.constant(1))
        tf.add(tf.multiply(x, y), b, name="op_to_store")
        session.run(v1.global_variables_initializer())
        yield session


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 100 messages as users have them: a header, a column nobody asked for, several languages."""
    path = tmp_path_factory.mktemp("labelled") / "labelled.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["label", "language", "text"])
        for copy in range(10):
            rows.writerows(["spam", "?", f"{text} {copy}"] for text in SPAM)
            rows.writerows(["ham", "?", f"{text} {copy}"] for text in HAM)
    return path


@pytest.fixture(scope="session")
def trained_checkpoint(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The prefix of a checkpoint trained on `labelled`."""
    with train.trained(corpus.read([labelled]), train.Plan(epochs=5)) as result:
        return saving.save(result.session, tmp_path_factory.mktemp("checkpoints"), result.step)


@pytest.fixture(scope="session")
def shipped() -> bytes:
    return (ROOT / "data" / "spam.pb").read_bytes()


@pytest.fixture(scope="session")
def shipped_graph(shipped: bytes) -> tf.Graph:
    return frozen.load(shipped)
