"""How much spam a model still finds once it is lightly disguised, beside a model of whole words.

    python -m benchmarks.obfuscation ../shared/data/sms_spam_collection.tsv

Five folds: both models are trained on four as they are, and score the fifth as it is and in disguise. About half of
a disguised message's words are changed, each in one of five ways. The disguises are made here, word by word and at
random (seeded). Disguised ham is scored too: a model that took any disguise for spam would show there.
"""

import argparse
import os
import zlib
from pathlib import Path
from random import Random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import numpy.typing as npt

from model import corpus
from model.graph import freeze, frozen
from model.quality import evaluate, folds
from model.training import choice, grid, train

Texts = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]

LOOKALIKE_DIGITS = str.maketrans("oilseatbgOILSEATBG", "011534789011534789")
LOOKALIKE_LETTERS = str.maketrans("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ")
KINDS = ("spaces", "digits", "Cyrillic", "punctuation", "capitals")


def disguise(text: bytes, seed: int, kind: str | None = None) -> bytes:
    """Change half of the words of a message, each in a way drawn from KINDS, or in the one given."""
    random = Random(seed ^ zlib.crc32(text))
    words = text.decode("utf-8", "surrogateescape").split(" ")
    changed = [_word(word, kind or random.choice(KINDS), random) if random.random() < 0.5 else word for word in words]
    return " ".join(changed).encode("utf-8", "surrogateescape")


def _word(word: str, kind: str, random: Random) -> str:
    if kind == "spaces":
        return " ".join(word)
    if kind == "digits":
        return word.translate(LOOKALIKE_DIGITS)
    if kind == "Cyrillic":
        return word.translate(LOOKALIKE_LETTERS)
    if kind == "punctuation":
        return "".join(letter + (random.choice(".-_*'") if random.random() < 0.5 else "") for letter in word)
    return word.upper()


def ours(texts: Texts, labels: Flags, tests: list[Texts]) -> list[Flags]:
    """Train the spam model; say which of the tests' messages are spam."""
    data = corpus.Labelled(texts, labels)
    chosen = choice.choose(data, train.Plan(), grid.grid())
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
    options = parser.parse_args()

    data = corpus.read([options.corpus])
    assigned = folds.stratified(data.labels, 5)
    versions = {"as it is": data.texts}
    for name, kind in [("disguised", None), *((f"  {kind}", kind) for kind in KINDS)]:
        versions[name] = np.array([disguise(text, options.seed, kind) for text in data.texts], object)

    models = {"spam model": ours}
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

    print(f"{'':16}{'':16}{'recall':>9}{'falls by':>10}{'ham blocked':>13}")
    for name in models:
        before = said[name]["as it is"][data.labels].mean()
        for version, flags in said[name].items():
            recall, blocked = flags[data.labels].mean(), flags[~data.labels].mean()
            print(f"{name:16}{version:16}{recall:9.4f}{before - recall:10.4f}{blocked:13.4f}")


if __name__ == "__main__":
    main()
