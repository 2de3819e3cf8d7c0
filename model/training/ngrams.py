"""The n-grams of many messages, counted once: what trials of many settings share."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.training import spam

_MICRO_BATCH = 1024  # messages per sess.run
_MORE = 2  # messages with each n-gram that smooth its ratio
_Integers = npt.NDArray[np.int64]


class Counted(NamedTuple):
    """The distinct n-grams of N messages, message by message: a sparse matrix [N, width] in compressed rows.

    Message i has those at `starts[i] : starts[i + 1]` of `columns` and `counts`. Table rows that do not occur are left
    out.
    """

    starts: npt.NDArray[np.int64]  # [N + 1]
    columns: npt.NDArray[np.int32]  # [entries]
    counts: npt.NDArray[np.float32]  # [entries]
    norms: npt.NDArray[np.float32]  # [N]: what the sum of a message's weights is divided by
    width: int

    def dense(self, messages: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """The columns that these messages have (int32 [C], ascending), and how often each has them: [messages, C]."""
        sizes = self.starts[messages + 1] - self.starts[messages]
        offsets = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        entries = np.repeat(self.starts[messages], sizes) + offsets
        columns = self.columns[entries]
        is_present = np.zeros(self.width, np.bool_)  # a fifth of the time of sorting the columns
        is_present[columns] = True
        present = np.flatnonzero(is_present).astype(np.int32)
        places = np.empty(self.width, np.int32)
        places[present] = np.arange(len(present), dtype=np.int32)
        matrix = np.zeros((len(messages), len(present)), np.float32)
        matrix[np.repeat(np.arange(len(messages)), sizes), places[columns]] = self.counts[entries]
        return present, matrix


def count(texts: npt.NDArray[np.object_]) -> Counted:
    """Count the n-grams of texts [N] (bytes) as the classifier's graph finds them."""
    parts = list(_parts(texts))
    owners, rows, counts, norms = (np.concatenate(each) for each in zip(*parts, strict=True))
    table, columns = np.unique(rows, return_inverse=True)
    starts = np.searchsorted(owners, np.arange(len(texts) + 1))
    return Counted(starts, columns.astype(np.int32), counts.astype(np.float32), norms.astype(np.float32), len(table))


def ratios(texts: npt.NDArray[np.object_], labels: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """How telling each n-gram is in texts [N] with labels [N]: float32 [2**TABLE_BITS], see `log_ratios`."""
    spam_with, all_with = (np.zeros(1 << spam.TABLE_BITS, np.int64) for _ in range(2))
    for owners, rows, _, _ in _parts(texts):
        all_with += np.bincount(rows, minlength=len(all_with))
        spam_with += np.bincount(rows[labels[owners]], minlength=len(all_with))
    return log_ratios(spam_with, all_with - spam_with, int(labels.sum()), int((~labels).sum()))


def log_ratios(
    spam_with: npt.NDArray[np.int64], ham_with: npt.NDArray[np.int64], all_spam: int, all_ham: int
) -> npt.NDArray[np.float32]:
    """How much likelier n-grams make one label, in nats, either one: from how many messages of each label have them.

    float32, shaped as the counts, and so scaled that n-grams that occur have the mean 1. Naive Bayes' log-count ratio
    (Wang and Manning, "Baselines and bigrams", ACL 2012). Two messages more are counted with each n-gram, of both
    labels as they are in all messages: so an n-gram that few have tells little, whichever label is the rarer one.
    Weights that are multiplied by it are shrunk least where an n-gram tells most.
    """
    share = (all_spam + 1) / (all_spam + all_ham + 2)
    with_spam, with_ham = spam_with + _MORE * share, ham_with + _MORE * (1 - share)
    likelier = np.abs(np.log(with_spam / (all_spam + 1)) - np.log(with_ham / (all_ham + 1)))
    mean = likelier.mean(where=spam_with + ham_with > 0) if (spam_with + ham_with).any() else 0.0
    found: npt.NDArray[np.float32] = (likelier / (mean or 1.0)).astype(np.float32)
    return found


def _parts(texts: npt.NDArray[np.object_]) -> Iterator[tuple[_Integers, _Integers, _Integers, npt.NDArray[np.float64]]]:
    """For some messages after the other: of each distinct n-gram of each, the message's number, the n-gram's row in the
    table, and how often it is there, ascending; and the messages' norms."""
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None])
        found = spam.features(text)
    with v1.Session(graph=graph) as session:
        for start in range(0, len(texts), _MICRO_BATCH):
            grams = session.run(found, {text: texts[start : start + _MICRO_BATCH]})
            owned = (grams.end - grams.first) * spam.BLOCK
            offsets = np.arange(owned.sum()) - np.repeat(np.cumsum(owned) - owned, owned)
            places = np.repeat(grams.first * spam.BLOCK, owned) + offsets
            owners = np.repeat(np.arange(start, start + len(owned)), owned) << spam.TABLE_BITS
            mine = np.concatenate([rows[places] for rows in grams.rows])
            keys = np.tile(owners, len(grams.rows)) | mine
            distinct, counts = np.unique(keys[mine > 0], return_counts=True)  # row 0 weighs nothing
            yield distinct >> spam.TABLE_BITS, distinct & ((1 << spam.TABLE_BITS) - 1), counts, grams.norm
