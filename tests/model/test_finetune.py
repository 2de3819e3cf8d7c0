"""Transfer learning: a head learns a new corpus on top of a graph from elsewhere, which stays as it is."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model.checkpoints import checkpoint, saving
from model.graph import frozen
from tests.model.conftest import run_frozen, values
from tests.support.model_room import complaint, model, succeed


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody's topic classifier: a placeholder `sentence`, embedded words, dropout, three topics, an optimiser."""
    folder = tmp_path_factory.mktemp("embedding") / "theirs"
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        sentence = v1.placeholder(tf.string, name="sentence")  # as tutorials have it: no shape
        keep = v1.placeholder(tf.float32, name="keep_prob")
        buckets = tf.strings.to_hash_bucket_fast(tf.strings.bytes_split(tf.reshape(sentence, [-1])), 64).to_tensor()
        table = v1.get_variable("emb", [64, 16], initializer=v1.random_normal_initializer(seed=1), use_resource=False)
        pooled = tf.reduce_mean(tf.nn.embedding_lookup(table, buckets), axis=1)
        pooled = tf.identity(v1.nn.dropout(pooled, keep_prob=keep), name="pooled")
        topics = v1.get_variable("topics", [16, 3], initializer=v1.random_normal_initializer(seed=2))
        score = tf.matmul(pooled, topics, name="score")  # its own idea of a score
        loss = tf.reduce_mean(tf.square(score))
        v1.train.AdamOptimizer().minimize(loss, global_step=v1.train.get_or_create_global_step())
        session.run(v1.global_variables_initializer())
        saving.save(session, folder, 9000)
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus that the base can tell apart, but was not trained for."""
    rows = [f"spam,{'$!' * (3 + n % 5)} {n}\nham,{'see you ' * (1 + n % 3)}{n}\n" for n in range(60)]
    path = tmp_path / "corpus.csv"
    path.write_text("label,text\n" + "".join(rows))
    return path


def test_a_head_on_a_foreign_graph(embedding: Path, corpus: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    words = ["finetune", embedding, corpus, "--input", "sentence", "--features", "pooled", "--set", "keep_prob=1"]
    report = json.loads(succeed(*words, "--checkpoints", mine, "--steps", 60, "--json"))
    assert (report["features"], report["messages"]) == (16, 120)

    succeed("freeze", mine, "--output", tmp_path / "mine.pb")
    figures = json.loads(succeed("evaluate", tmp_path / "mine.pb", corpus, "--json"))
    assert figures["accuracy"] > 0.95

    # What was restored is untouched, and what the new task does not need stayed behind.
    before, after = values(embedding / "model.ckpt-9000"), values(mine / "model.ckpt-60")
    assert after["base/emb"] == before["emb"]
    assert [name for name in after if name.startswith("base/")] == ["base/emb"]
    nodes = {node.name for node in v1.GraphDef.FromString((tmp_path / "mine.pb").read_bytes()).node}
    assert {"text", "score", "base/emb", "head/weights"} <= nodes
    assert not [name for name in nodes if "topics" in name or "Adam" in name or "sentence" in name]


def test_the_frozen_head_says_what_the_checkpoint_says_alone_or_in_a_batch(
    embedding: Path, corpus: Path, tmp_path: Path
) -> None:
    words = ["finetune", embedding, corpus, "--input", "sentence", "--features", "pooled", "--set", "keep_prob=1"]
    succeed(*words, "--checkpoints", tmp_path / "mine", "--steps", 5)
    succeed("freeze", tmp_path / "mine", "--output", tmp_path / "mine.pb")
    texts = [b"see you", b"$!$!", b"another", b"x"] * 5
    with checkpoint.restored(checkpoint.find(tmp_path / "mine")) as session:
        expected = session.run("score:0", {"text:0": texts})
    np.testing.assert_array_equal(run_frozen(tmp_path / "mine.pb", "score:0", {"text:0": texts}), expected)
    assert frozen.refusals(frozen.parse((tmp_path / "mine.pb").read_bytes())) == []


def test_our_own_model_is_recalibrated_on_another_corpus(
    trained_checkpoint: str, labelled: Path, corpus: Path, tmp_path: Path
) -> None:
    """One feature, the logit: the order of messages stays, and the scores become those of the new corpus."""
    mine = tmp_path / "mine"
    words = ("finetune", Path(trained_checkpoint).parent, labelled, "--features", "score", "--checkpoints", mine)
    succeed(*words, "--epochs", 10)
    assert "going on from step 20 of 22" in model(*words, "--epochs", 11).stderr
    with checkpoint.restored(checkpoint.find(mine)) as session:
        rows = session.run(["base/score:0", "score:0"], {"text:0": [b"WIN a free prize", b"home by six", b"ok", b""]})
    assert np.argsort(rows[0]).tolist() == np.argsort(rows[1]).tolist()
    assert "a run on other terms (other messages)" in complaint(words[0], words[1], corpus, *words[3:])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--input", "sentence"], "which node has the features?; --features could be "),
        (["--input", "sentence", "--features", "nope"], "no tensor 'nope'; --features could be "),
        (["--features", "pooled"], "the graph has no tensor 'text'"),
        (["--input", "keep_prob", "--features", "pooled"], "'keep_prob' is not a placeholder of strings"),
        (["--input", "sentence", "--features", "pooled"], "needs the placeholder 'keep_prob': --set keep_prob=VALUE"),
        (["--input", "sentence", "--features", "pooled", "--set", "keep_prob=all"], "'all' is no float32"),
        (["--input", "sentence", "--features", "topics/Read/ReadVariableOp"], "does not depend on 'sentence'"),
        (["--input", "sentence", "--features", "sentence"], "'sentence' is string, and features are numbers"),
    ],
)
def test_what_cannot_be_built_on_is_said_with_what_could(
    words: list[str], said: str, embedding: Path, corpus: Path, tmp_path: Path
) -> None:
    assert said in complaint("finetune", embedding, corpus, "--checkpoints", tmp_path / "no", *words)
    assert not (tmp_path / "no").exists()
