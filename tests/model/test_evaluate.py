"""The figures we publish: how they are counted, and that they are reached on messages no model saw."""

from pathlib import Path

import numpy as np
import pytest

from model import corpus, evaluate, train
from tests.model.conftest import ROOT

SMS = ROOT.parent / "shared" / "data" / "sms_spam_collection.tsv"


def test_the_figures_by_hand() -> None:
    scores = np.array([0.9, 0.5, 0.4, 0.1, 0.8], np.float32)
    labels = np.array([True, True, True, False, False])
    found = evaluate.metrics(scores, labels)
    assert (found.true_positives, found.false_positives, found.true_negatives, found.false_negatives) == (2, 1, 1, 1)
    assert (
        found.as_dict() | {"messages": 5, "accuracy": 0.6, "precision": 0.666667, "recall": 0.666667} == found.as_dict()
    )
    assert evaluate.metrics(scores, labels, threshold=0.85).false_positives == 0


def test_rates_of_nothing_are_zero() -> None:
    nothing = evaluate.metrics(np.zeros(0, np.float32), np.zeros(0, bool))
    assert (nothing.accuracy, nothing.precision, nothing.recall, nothing.f1) == (0, 0, 0, 0)


def test_folds_are_stratified_and_are_those_of_scikit_learn() -> None:
    labels = np.arange(20) % 4 == 0
    folds = evaluate.stratified_folds(labels, 5)
    # StratifiedKFold(5, shuffle=True, random_state=0) of scikit-learn 1.9
    assert folds.tolist() == [2, 3, 0, 4, 0, 2, 2, 0, 1, 1, 0, 1, 3, 4, 3, 2, 4, 4, 3, 1]
    assert [int(labels[folds == fold].sum()) for fold in range(5)] == [1, 1, 1, 1, 1]


def test_each_message_is_scored_by_a_model_that_never_saw_it(labelled: Path) -> None:
    """A message that contradicts all others is right only for a model trained on it."""
    data = corpus.read([labelled])
    odd = int(np.flatnonzero(data.labels)[0])
    data.labels[odd] = False
    scores = evaluate.cross_validate(data, train.Plan(epochs=20), folds=2)
    assert scores[odd] > 0.5
    assert evaluate.metrics(scores, data.labels).accuracy > 0.8


@pytest.mark.slow
def test_five_folds_of_the_sms_spam_collection() -> None:
    """The promise of the model card."""
    if not SMS.exists():
        pytest.skip(
            f"the SMS Spam Collection is not at ../{SMS.relative_to(ROOT.parent)}: model corpus --output fetches it"
        )
    data = corpus.read([SMS])
    found = evaluate.metrics(evaluate.cross_validate(data, train.Plan()), data.labels)
    assert found.messages == 5574
    assert found.accuracy >= 0.985
    assert found.f1 >= 0.94
