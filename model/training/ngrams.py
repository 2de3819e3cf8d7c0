"""The n-grams of many messages, counted once: what trials of many settings share."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.training import spam

_MICRO_BATCH = 1024  # messages per sess.run


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
        present, places = np.unique(self.columns[entries], return_inverse=True)
        matrix = np.zeros((len(messages), len(present)), np.float32)
        matrix[np.repeat(np.arange(len(messages)), sizes), places] = self.counts[entries]
        return present, matrix


def count(texts: npt.NDArray[np.object_]) -> Counted:
    """Count the n-grams of texts [N] (bytes) as the classifier's graph finds them."""
    keys, norms = [np.zeros(0, np.int64)], [np.zeros(0)]
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None])
        found = spam.features(text)
    with v1.Session(graph=graph) as session:
        for start in range(0, len(texts), _MICRO_BATCH):
            grams = session.run(found, {text: texts[start : start + _MICRO_BATCH]})
            owned = (grams.end - grams.first) * spam.BLOCK
            offsets = np.arange(owned.sum()) - np.repeat(np.cumsum(owned) - owned, owned)
            places = np.repeat(grams.first * spam.BLOCK, owned) + offsets
            owners = np.repeat(np.arange(start, start + len(owned)), owned)
            for rows in grams.rows:
                mine = rows[places]
                keys.append((owners << spam.TABLE_BITS | mine)[mine > 0])  # row 0 weighs nothing
            norms.append(grams.norm)
    distinct, counts = np.unique(np.concatenate(keys), return_counts=True)
    table, columns = np.unique(distinct & ((1 << spam.TABLE_BITS) - 1), return_inverse=True)
    starts = np.searchsorted(distinct >> spam.TABLE_BITS, np.arange(len(texts) + 1))
    return Counted(
        starts.astype(np.int64),
        columns.astype(np.int32),
        counts.astype(np.float32),
        np.concatenate(norms).astype(np.float32),
        len(table),
    )
