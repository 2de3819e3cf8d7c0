"""From labelled messages to a frozen model: train, save, restore, freeze, and nothing changes on the way."""

from pathlib import Path

import numpy as np
import pytest
from tensorflow.compat import v1

from model import corpus
from model.checkpoints import checkpoint
from model.errors import ModelError
from model.graph import freeze, frozen
from model.quality import evaluate
from model.training import train


def test_freezing_a_restored_checkpoint_changes_no_score(trained_checkpoint: str, labelled: Path) -> None:
    texts = corpus.read([labelled]).texts
    with checkpoint.restored(trained_checkpoint) as session:
        from_checkpoint = session.run("score:0", {"text:0": texts})
        from_frozen = evaluate.score(frozen.load(freeze.freeze(session)), texts)
    np.testing.assert_array_equal(from_frozen, from_checkpoint)
    assert len(set(from_checkpoint.tolist())) > 10  # it learnt something to change


def test_only_what_the_score_needs_is_frozen(trained_checkpoint: str) -> None:
    with checkpoint.restored(trained_checkpoint) as session:
        nodes = frozen.parse(freeze.freeze(session)).node
    assert {node.name for node in nodes} >= {"text", "score", "weights_fixed"}
    assert {node.name for node in nodes}.isdisjoint({"weights", "label", "global_step"})


def test_the_fixed_point_score_is_the_trained_one(labelled: Path) -> None:
    """Serving uses integers for exactness; they must say what training learnt, up to the score's own steps."""
    data = corpus.read([labelled])
    with train.trained(data, train.Plan(epochs=1)) as result:  # after one pass the mean over passes is that one
        score, margin, logit = result.session.run(
            [result.parts.score, result.parts.margins, "logit:0"], {result.parts.text: data.texts}
        )
    np.testing.assert_allclose(score, 1 / (1 + np.exp(-margin)), atol=0.25 / 1024)
    np.testing.assert_allclose(logit, margin, atol=1e-3)


def test_the_same_seed_trains_the_same_model(labelled: Path) -> None:
    data = corpus.read([labelled])

    def model(seed: int) -> bytes:
        with train.trained(data, train.Plan(steps=8, seed=seed)) as result:
            return freeze.freeze(result.session)

    assert model(1) == model(1)
    assert model(1) != model(2)


def test_steps_are_counted_and_reported(labelled: Path) -> None:
    heard: list[int] = []
    with train.trained(corpus.read([labelled]), train.Plan(steps=3), lambda step, _loss: heard.append(step)) as result:
        assert (heard, result.step) == ([1, 2, 3], 3)


def test_a_checkpoint_is_found_by_directory_or_prefix(trained_checkpoint: str, tmp_path: Path) -> None:
    assert checkpoint.find(Path(trained_checkpoint).parent) == trained_checkpoint
    assert checkpoint.find(Path(trained_checkpoint)) == trained_checkpoint
    with pytest.raises(ModelError, match="no checkpoint in"):
        checkpoint.find(tmp_path)


@pytest.mark.parametrize("suffix", [".meta", ".index", ".data-00000-of-00001"])
def test_a_checkpoint_with_a_missing_or_torn_file_is_an_error(
    trained_checkpoint: str, tmp_path: Path, suffix: str
) -> None:
    """Never a silent fresh start."""
    prefix = tmp_path / "model.ckpt-1"
    for part in (".meta", ".index", ".data-00000-of-00001"):
        Path(f"{prefix}{part}").write_bytes(Path(trained_checkpoint + part).read_bytes())
    damaged = Path(f"{prefix}{suffix}")

    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"cannot re(ad|store)"), checkpoint.restored(str(prefix)):
        pass
    damaged.unlink()
    with pytest.raises(ModelError, match=r"cannot re(ad|store)"), checkpoint.restored(str(prefix)):
        pass


def test_freezing_an_absent_node_names_it() -> None:
    absent = pytest.raises(ModelError, match="the graph has no node 'score' to freeze")
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session, absent:
        freeze.freeze(session)
