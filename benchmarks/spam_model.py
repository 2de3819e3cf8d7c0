"""How fast the spam model's `sess.run` is beside fastText and scikit-learn, on the same messages and one core.

    python -m benchmarks.spam_model ../shared/data/sms_spam_collection.tsv

The three take turns, so that whatever else the machine does, it does to all of them; a figure is the median of their
rounds. What a peer does is what it needs to score: fastText a prediction for each line, scikit-learn its vectoriser
and its classifier. A peer that isn't installed is left out. Install them beside Nightshift's worker:
`pip install scikit-learn fasttext-wheel`.
"""

import argparse
import importlib.util
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy loads
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from tensorflow.compat import v1  # noqa: E402

from model import corpus  # noqa: E402
from model.graph import frozen  # noqa: E402

ROOT = Path(__file__).parents[1]
Texts = npt.NDArray[np.object_]
Score = Callable[[Texts], object]


def nightshift(model: Path) -> Score:
    """`sess.run` on the frozen graph, on one thread, as a worker calls it."""
    config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    session = v1.Session(graph=frozen.load(model.read_bytes()), config=config)
    return lambda texts: session.run("score:0", {"text:0": texts})


def fasttext(data: corpus.Labelled) -> Score:
    """Word bigrams and character 2-5-grams in 16 dimensions."""
    import fasttext as peer

    peer.FastText.eprint = lambda *_: None
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, label in zip(data.texts, data.labels, strict=True):
            file.write(f"__label__{'spam' if label else 'ham'} {_line(text)}\n")
        file.flush()
        trained = peer.train_supervised(
            file.name, dim=16, wordNgrams=2, minn=2, maxn=5, lr=0.5, epoch=25, bucket=200_000, thread=1, verbose=0
        )
    # The extension's own predict: the Python method around it does not run on NumPy 2.
    return lambda texts: [trained.f.predict(_line(text) + "\n", 1, 0.0, "strict") for text in texts]


def scikit_learn(data: corpus.Labelled) -> Score:
    """Hashed character 2-5-grams, L2-normalised, and logistic regression."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    trained = make_pipeline(
        HashingVectorizer(analyzer="char", ngram_range=(2, 5), n_features=1 << 18, decode_error="replace"),
        LogisticRegression(C=100, max_iter=200, solver="liblinear"),
    ).fit(list(data.texts), data.labels)
    return lambda texts: trained.predict_proba(list(texts))


def _line(text: bytes) -> str:
    return text.decode("utf-8", "replace").replace("\n", " ")


def in_turns(scorers: dict[str, Score], batches: list[Texts], rounds: int) -> dict[str, list[float]]:
    """Messages a second of each scorer in each round, after one that doesn't count."""
    rates: dict[str, list[float]] = {name: [] for name in scorers}
    for count in range(rounds + 1):
        for name, score in scorers.items():
            begun = time.perf_counter()
            for batch in batches:
                score(batch)
            if count:
                rates[name].append(sum(map(len, batches)) / (time.perf_counter() - begun))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="labelled messages, as `model corpus` fetches them")
    parser.add_argument("--model", type=Path, action="append", help="a frozen .pb; again for more of them")
    parser.add_argument("--rows", type=int, default=2048, help="messages to a sess.run (2048)")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    data = corpus.read([options.corpus])
    rows = options.rows
    batches = [data.texts[start : start + rows] for start in range(0, max(1, len(data.texts) - rows + 1), rows)]
    models = options.model or [ROOT / "data" / "spam.pb"]
    scorers = {str(path.name): nightshift(path) for path in models}
    for name, module, train in (("fastText", "fasttext", fasttext), ("scikit-learn", "sklearn", scikit_learn)):
        if importlib.util.find_spec(module):
            scorers[name] = train(data)
        elif not options.json:
            print(f"{name}: not installed, left out")
    rates = in_turns(scorers, batches, options.rounds)
    ours = statistics.median(rates[str(models[0].name)])
    found = {
        name: {
            "messages_per_second": round(statistics.median(each)),
            "lowest": round(min(each)),
            "highest": round(max(each)),
            "times_slower": round(ours / statistics.median(each), 2),
        }
        for name, each in rates.items()
    }
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'':14}{'messages/s':>12}{'lowest':>12}{'highest':>12}   {models[0].name} is")
    for name, each in found.items():
        times = f"{each['times_slower']:.1f} x" if name != str(models[0].name) else ""
        print(f"{name:14}{each['messages_per_second']:12,}{each['lowest']:12,}{each['highest']:12,}   {times}")


if __name__ == "__main__":
    main()
