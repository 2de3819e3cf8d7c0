"""What is to be fetched from a graph to explain one of its scores, and what people are told by it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow.compat import v1

from formats.reason_cells import cell
from graphs import ngram_sums
from graphs.ngram_sums import NgramSum
from model.reasons import rules, spans, units
from model.reasons.alignment import Aligned
from model.reasons.cells import cells
from model.reasons.rules import RuleHits
from model.reasons.shares import Integers, Seen, parts, shares

Bytes = npt.NDArray[np.object_]


class Anatomy(NamedTuple):
    """Of a score that is a sum over n-grams, with the rules beside it if there are any."""

    sum: NgramSum
    rules: RuleHits | None

    @property
    def fetches(self) -> tuple[str, ...]:
        """The tensors that `Explained.of` makes something of, in their order."""
        found = (self.rules.rows, self.rules.rules) if self.rules else ()
        return (*self.sum.tensors, *found)


def find(graph_def: v1.GraphDef, score: str) -> Anatomy | None:
    """None if the output `score` is no sum over n-grams, as far as anybody can tell."""
    found = ngram_sums.find(graph_def, score)
    return Anatomy(found, rules.find(graph_def)) if found else None


class Explained(NamedTuple):
    """N texts with all that moved their scores. Each byte of a text is in one span."""

    texts: Bytes  # [N]
    spans: spans.Spans  # of what the graph lays one behind the other
    logits: npt.NDArray[np.float64]  # [N]: the score's logit, before rules
    bias: float  # what it would be without any n-gram
    unit: npt.NDArray[np.float64]  # [N]: logits that one of a span's share makes
    margin: Integers  # [N]: the sum, `parts` times that of a span's share
    parts: int
    rules: list[rules.RuleReasons]  # [N]
    data: bytes  # what the spans are of
    aligned: Aligned  # the way back to the texts, where the graph lays something else one behind the other

    @classmethod
    def of(cls, anatomy: Anatomy, texts: Bytes, arrays: Sequence[npt.NDArray[Any]], most: int) -> "Explained":
        """From texts [N] (bytes) and the arrays of `anatomy.fetches`. At most so many rules that add points are told.
        Raises ModelError if the graph does not do as it seems to."""
        known = anatomy.sum
        rest = list(arrays[len(known.tensors) :])
        held = rules.reasons(anatomy.rules.policy, rest[0], rest[1], len(texts), most) if anatomy.rules else []
        seen = Seen.of(known, arrays[: len(known.tensors)])
        laid = seen.laid if seen.laid is not None else texts
        lengths = np.fromiter(map(len, laid), np.int64, len(laid))
        data = b"".join(laid)
        cut = units.cut(np.frombuffer(data, np.uint8), lengths)
        found = spans.join(cut, shares(known, seen, lengths, cut), len(data))
        whole = parts(known)
        per_norm = known.scale / seen.norm
        return cls(
            texts, found, seen.margin * per_norm + known.bias, known.bias, per_norm / whole, seen.margin, whole,
            held or [[] for _ in texts], data, Aligned(laid, texts),
        )  # fmt: skip

    def pieces(self, wanted: Integers) -> list[bytes]:
        """The bytes of these spans, as they stand in the texts."""
        begins, ends = self.spans.begins[wanted].tolist(), self.spans.ends[wanted].tolist()
        if not self.aligned.changed.any():
            data = self.data
            return [data[begin:end] for begin, end in zip(begins, ends, strict=True)]
        owners = self.spans.texts[wanted].tolist()
        places = self.places(wanted)
        return [self.texts[owner][slice(*place)] for owner, place in zip(owners, places, strict=True)]

    def places(self, wanted: Integers) -> list[tuple[int, int]]:
        """Where these spans begin and end, each in its own text."""
        owners = self.spans.texts[wanted].tolist()
        begins, ends = self.spans.begins[wanted].tolist(), self.spans.ends[wanted].tolist()
        return [self.aligned.place(*each) for each in zip(owners, begins, ends, strict=True)]

    def shares(self, wanted: Integers) -> npt.NDArray[np.float64]:
        """Of these spans, in logits."""
        return self.spans.shares[wanted] * self.unit[self.spans.texts[wanted]]

    def cells(self, most: int) -> pa.Array:
        """`binary` [N]: a cell for each text, with at most so many pieces; see `formats.reason_cells`."""
        wanted = spans.top(self.spans, most)
        hundredths = np.rint(self.shares(wanted) * 100).astype(np.int64)
        wanted, hundredths = wanted[hundredths != 0], hundredths[hundredths != 0]
        owners = self.spans.texts[wanted]
        data = np.frombuffer(self.data, np.uint8)
        found = cells(data, self.spans.begins[wanted], self.spans.ends[wanted], hundredths, owners, self.rules)
        changed = self.aligned.changed
        if not changed.any():
            return found
        edges = np.searchsorted(owners, np.arange(len(self.texts) + 1))
        again = []
        for row in np.flatnonzero(changed).tolist():
            mine = slice(edges[row], edges[row + 1])
            again.append(cell(self.pieces(wanted[mine]), hundredths[mine].tolist(), self.rules[row]))
        return pc.replace_with_mask(found, pa.array(changed), pa.array(again, pa.binary()))
