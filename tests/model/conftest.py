"""Small labelled files, a model trained on them, and the model we ship."""

import csv
import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before anything imports TensorFlow: its notices are not ours

import tensorflow as tf

from model import checkpoint, corpus, frozen, train

ROOT = Path(__file__).parents[2]

SPAM = [
    "WIN a free prize now",
    "Claim your FREE cash, reply YES",
    "무료 쿠폰 당첨! 지금 클릭",
    "免费领取大奖，点击链接",
]
HAM = ["home by six", "see you at lunch, then", "내일 회의는 세 시예요", "我们明天见面吧", "ok", ""]


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
        return checkpoint.save(result.session, tmp_path_factory.mktemp("checkpoints"), result.step)


@pytest.fixture(scope="session")
def shipped() -> bytes:
    return (ROOT / "data" / "spam.pb").read_bytes()


@pytest.fixture(scope="session")
def shipped_graph(shipped: bytes) -> tf.Graph:
    return frozen.load(shipped)
