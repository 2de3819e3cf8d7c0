"""Lookup tables are in the frozen file, whatever filled them; nothing is read from files later."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model import sessions
from model.checkpoints import saving
from model.graph import frozen
from tests.support.model_room import complaint, succeed

TEXTS = [b"free", b"prize", b"never seen", b""]


def run(path: Path, fetch: str, feeds: dict[str, object]) -> list[object]:
    """As a worker does: the tables are filled when the session opens."""
    graph = frozen.load(path.read_bytes())
    with v1.Session(graph=graph, config=sessions.as_written()) as session:
        session.run([each for each in graph.get_operations() if each.type == "InitializeTableV2"])
        found: list[object] = np.asarray(session.run(fetch, feeds)).tolist()
        return found


class Vocabulary(tf.Module):
    """A module whose vocabulary is a file, which becomes an asset."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        text, line = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        reading = tf.lookup.TextFileInitializer(str(file), tf.string, text, tf.int64, line)
        self.table = tf.lookup.StaticVocabularyTable(reading, 1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def __call__(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"id": self.table.lookup(text)}


def test_a_vocabulary_asset_goes_into_the_graph(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.txt").write_text("free\nprize\nhome\n")
    module = Vocabulary(tmp_path / "vocabulary.txt")
    tf.saved_model.save(module, str(tmp_path / "theirs"), signatures=module.__call__)
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    asset = tmp_path / "theirs" / "assets" / "vocabulary.txt"
    assert run(tmp_path / "m.pb", "id:0", {"text:0": TEXTS}) == [0, 1, 3, 3]
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "again.pb")
    assert (tmp_path / "again.pb").read_bytes() == (tmp_path / "m.pb").read_bytes()
    asset.rename(tmp_path / "elsewhere.txt")
    asset.symlink_to(tmp_path / "elsewhere.txt")
    assert "is no file of its own" in complaint("freeze", tmp_path / "theirs", "--output", tmp_path / "n.pb")


@pytest.mark.filterwarnings("ignore")
def test_text_vectorization_of_keras_3(tmp_path: Path) -> None:
    import keras

    layer = keras.layers.TextVectorization(output_sequence_length=4)
    layer.adapt(["win a free prize", "home by six"])
    layer(tf.constant(["a"]))
    archive = keras.export.ExportArchive()
    archive.track(layer)
    archive.add_endpoint("serve", lambda text: layer(text), [tf.TensorSpec([None], tf.string, name="text")])
    archive.write_out(str(tmp_path / "theirs"), verbose=False)
    texts = ["home free", "never seen"]
    expected = np.asarray(layer(tf.constant(texts))).tolist()
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    [output] = [each.name for each in frozen.terminal_tensors(frozen.load((tmp_path / "m.pb").read_bytes()))]
    assert run(tmp_path / "m.pb", output, {"text:0": texts}) == expected


def test_a_table_in_a_checkpoint_has_its_constants(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        filling = tf.lookup.KeyValueTensorInitializer(["free", "prize"], [1.0, 2.0])
        table = v1.lookup.StaticHashTable(filling, -1.0)
        weight = v1.get_variable("w", initializer=0.5)
        tf.multiply(table.lookup(v1.placeholder(tf.string, [None], "text")), weight, name="score")
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path / "theirs", 1)
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert run(tmp_path / "m.pb", "score:0", {"text:0": TEXTS}) == [0.5, 1, -0.5, -0.5]


def test_a_table_that_is_saved_with_the_variables(tmp_path: Path) -> None:
    class Counted(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0)
            self.table.insert(tf.constant(["free", "prize"]), tf.constant([7, 8], tf.int64))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def __call__(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"count": self.table.lookup(text)}

    module = Counted()
    tf.saved_model.save(module, str(tmp_path / "theirs"), signatures=module.__call__)
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert run(tmp_path / "m.pb", "count:0", {"text:0": TEXTS}) == [7, 8, 0, 0]


def test_a_vocabulary_of_a_checkpoint_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("free\nprize\n")
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        text, line = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        reading = tf.lookup.TextFileInitializer(str(tmp_path / "words.txt"), tf.string, text, tf.int64, line)
        table = v1.lookup.StaticHashTable(reading, -1)
        offset = v1.get_variable("offset", initializer=tf.constant(10, tf.int64))
        tf.add(table.lookup(v1.placeholder(tf.string, [None], "text")), offset, name="score")
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path / "theirs", 1)
    assert "lay it beside the model" in complaint("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    (tmp_path / "words.txt").rename(tmp_path / "theirs" / "words.txt")
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert run(tmp_path / "m.pb", "score:0", {"text:0": TEXTS}) == [10, 11, 9, 9]


def test_a_table_that_nothing_fills_is_named(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph:
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, name="words")
        text = v1.placeholder(tf.string, [None], "text")
        found = tf.raw_ops.LookupTableFindV2(table_handle=table, keys=text, default_value=tf.constant(0, tf.int64))
        tf.identity(found, name="score")
    (tmp_path / "a.pb").write_bytes(graph.as_graph_def().SerializeToString())
    said = complaint("freeze", tmp_path / "a.pb", "--output", tmp_path / "m.pb")
    assert "the table 'words' (HashTableV2) is filled by nothing in the model" in said
