"""docs/models.md: each kind of model that people have, by the commands as they stand there."""

import math
import re
import shlex
from pathlib import Path

import pytest
import tensorflow as tf
from click.testing import CliRunner
from tensorflow.compat import v1

from model.cli import main
from tests.support import ROOT
from tests.support.farm import Farm
from tests.support.tables import read

PAGE = ROOT / "docs" / "models.md"


def commands() -> list[list[str]]:
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line.removeprefix("$ ")) for block in blocks for line in block.splitlines()]


def checkpoint(folder: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        ids = v1.placeholder(tf.int32, [None, 4], name="input_x")
        keep = v1.placeholder(tf.float32, [], name="dropout_keep_prob")
        weights = v1.get_variable("weights", initializer=[[1.0, 2.0]] * 4, use_resource=False)
        scores = tf.matmul(tf.cast(ids, tf.float32), weights) * keep
        tf.identity(scores, name="output/scores")
        loss = tf.reduce_mean(tf.square(scores - v1.placeholder(tf.float32, [None, 2], name="input_y")), name="loss")
        v1.train.AdamOptimizer(0.1).minimize(loss)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "runs" / "model"), global_step=7)


def pipeline(folder: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        data = tf.data.Dataset.from_tensor_slices([[1.0, 2.0, 3.0]]).batch(2)
        rows = v1.data.make_one_shot_iterator(data).get_next()
        weights = v1.get_variable("weights", initializer=[[1.0, 0.0]] * 3)
        tf.nn.softmax(tf.matmul(rows, weights), name="probabilities")
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "pipeline" / "model"))


def estimator(folder: Path) -> None:
    """As an Estimator exports: v1, tf.Examples, a vocabulary among its assets."""
    vocabulary = folder / "words.txt"
    vocabulary.write_text("ham\nspam\n")
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        examples = v1.placeholder(tf.string, [None], name="input_example_tensor")
        spec = {
            "age": tf.io.FixedLenFeature([], tf.float32),
            "kind": tf.io.FixedLenFeature([], tf.string, default_value="ham"),
        }
        parsed = tf.io.parse_example(examples, spec)
        lookup = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        kinds = v1.lookup.StaticHashTable(lookup, -1).lookup(parsed["kind"])
        scale = v1.get_variable("scale", initializer=2.0)
        score = parsed["age"] * scale + tf.cast(kinds, tf.float32)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(str(folder / "export"))
        signature = v1.saved_model.predict_signature_def({"examples": examples}, {"score": score})
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            main_op=v1.tables_initializer(),
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
        )
        builder.save()
    vocabulary.unlink()


class Dense(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable([[1.0], [10.0], [100.0]])
        self.unused = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="inputs")])
    def __call__(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"score": tf.matmul(inputs, self.kernel)[:, 0]}


class Lengths(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        keys = tf.lookup.KeyValueTensorInitializer(["hello", "bye"], [1, 2])
        self.table = tf.lookup.StaticHashTable(keys, -1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def __call__(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"default": self.table.lookup(text)}


def graph(folder: Path) -> None:
    with v1.Graph().as_default() as built:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        tf.multiply(tf.reduce_sum(x, 1), v1.placeholder(tf.float32, [], name="keep_prob"), name="score")
    (folder / "graph.pb").write_bytes(built.as_graph_def().SerializeToString())
    tf.io.write_graph(built.as_graph_def(), str(folder), "graph.pbtxt", as_text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for build in (checkpoint, pipeline, estimator, graph):
        build(folder)
    dense, lengths = Dense(), Lengths()
    tf.saved_model.save(dense, str(folder / "exported"), signatures=dense.__call__)
    tf.saved_model.save(lengths, str(folder / "hub"), signatures={"default": lengths.__call__})
    (folder / "vocab.txt").write_text("<UNK>\nhello\nbye\n")
    (folder / "ids.csv").write_text('id,ids\n1,"[1, 2]"\n2,3 4 5 6\n')
    (folder / "numbers.csv").write_text("id,c,b,a\n1,3,2,1\n2,6,5,4\n")
    (folder / "people.csv").write_text("id,age,kind\n1,3,spam\n2,4,\n")
    (folder / "texts.csv").write_text("id,text\n1,hello\n2,bye\n3,what\n")
    return folder


def test_every_command_of_the_page_works(farm: Farm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for words in commands():
        if words[0] == "producer":
            run = farm.producer(*words[1:], "--wait")
            assert run.code == 0, (words, run.err)
        else:
            result = CliRunner().invoke(main, words[1:])
            assert result.exit_code == 0, (words, result.output, result.exception)

    def column(name: str, of: str = "score") -> list[str]:
        return [row[of] for row in read(folder / name)]

    assert column("ids.scores.csv", "spam") == ["6", "36"]
    assert column("fixed.scores.csv", "output/scores_0") == ["3", "18"]
    softmax = [1 / (1 + math.exp(-total)) for total in (6, 15)]
    assert list(map(float, column("numbers.scores.csv", "probabilities_0"))) == pytest.approx(softmax, abs=1e-6)
    assert column("people.scores.csv") == ["7", "8"]
    assert column("keras.scores.csv") == ["321", "654"]
    assert column("whole.scores.csv", "output/scores_1") == ["2", "4", "0"]
    assert column("hub.scores.csv", "default") == ["1", "2", "-1"]
    assert column("graph.scores.csv") == column("set.scores.csv") == ["6", "15"]
