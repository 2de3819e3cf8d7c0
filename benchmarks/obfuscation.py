"""How much spam a model still finds once it is disguised, beside a model of whole words.

    python -m benchmarks.obfuscation ../shared/data/sms_spam_collection.tsv
    python -m benchmarks.obfuscation ../shared/data/sms_spam_collection.tsv --share 1

Five folds: both models are trained on four as they are, and score the fifth as it is and in disguise. About half of
a disguised message's words are changed (`--share`), each in one of the ways of `disguises.py`. The disguises are made
at random (seeded). Disguised ham is scored too: a model that took any disguise for spam would show there.
"""

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import numpy.typing as npt

from benchmarks.disguises import KINDS, PADDING, disguise, padded
from model import corpus
from model.graph import freeze, frozen
from model.quality import evaluate, folds
from model.training import choice, grid, train

Texts = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]
Fit = Callable[[Texts, Flags, list[Texts]], list[Flags]]


def ours(texts: Texts, labels: Flags, tests: list[Texts], *, fast: bool = False) -> list[Flags]:
    """Train the spam model; say which of the tests' messages are spam."""
    data = corpus.Labelled(texts, labels)
    chosen = choice.choose(data, train.Plan(), grid.grid(fast=fast))
    with train.trained(data, chosen.plan, calibrations=chosen.calibrations) as result:
        graph = frozen.load(freeze.freeze(result.session))
    return [evaluate.score(graph, each) >= 0.5 for each in tests]


def words(texts: Texts, labels: Flags, tests: list[Texts]) -> list[Flags]:
    """The same with hashed word unigrams and logistic regression."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression

    vectoriser = HashingVectorizer(decode_error="replace", n_features=1 << 18)
    trained = LogisticRegression(C=100, max_iter=1000).fit(vectoriser.transform(texts), labels)
    return [trained.predict(vectoriser.transform(each)) for each in tests]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="labelled messages, as `model corpus` fetches them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.5, help="of a message's words that are changed (0.5)")
    parser.add_argument("--fast", action="store_true", help="train with defaults, as `model train --fast`")
    options = parser.parse_args()

    data = corpus.read([options.corpus])
    assigned = folds.stratified(data.labels, 5)
    versions = {"as it is": data.texts}
    for name, kind in [("disguised", None), *((f"  {kind}", kind) for kind in KINDS)]:
        changed = [disguise(text, options.seed, kind, options.share) for text in data.texts]
        versions[name] = np.array(changed, object)
    ham = list(data.texts[~data.labels])
    versions[f"  {PADDING}"] = np.array([padded(text, options.seed, ham) for text in data.texts], object)

    models: dict[str, Callable[[Texts, Flags, list[Texts]], list[Flags]]] = {
        "spam model": partial(ours, fast=options.fast)
    }
    try:
        import sklearn  # noqa: F401
    except ImportError:
        print("scikit-learn: not installed, so no word unigrams")
    else:
        models["word unigrams"] = words
    said = {name: {version: np.zeros(len(data.texts), bool) for version in versions} for name in models}
    for fold in range(5):
        held_out = assigned == fold
        tests = [texts[held_out] for texts in versions.values()]
        for name, fit in models.items():
            for version, flags in zip(versions, fit(data.texts[~held_out], data.labels[~held_out], tests), strict=True):
                said[name][version][held_out] = flags

    print(f"{'':16}{'':18}{'recall':>9}{'of plain':>10}{'ham blocked':>13}{'accuracy':>10}")
    for name in models:
        rows = []
        for flags in said[name].values():
            right = (flags == data.labels).mean()
            rows.append((flags[data.labels].mean(), flags[~data.labels].mean(), right))
        plain, *_ = rows[0]
        disguised = rows[2:]  # each kind by itself
        rows.append(tuple(np.mean(disguised, axis=0)))
        for version, (recall, blocked, right) in zip([*versions, "mean of kinds"], rows, strict=True):
            print(f"{name:16}{version:18}{recall:9.4f}{recall / plain:10.4f}{blocked:13.4f}{right:10.4f}")


if __name__ == "__main__":
    main()
