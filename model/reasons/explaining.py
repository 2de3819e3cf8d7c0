"""Explains single messages by a frozen graph, whatever it is: exactly where its score is a sum, else approximately."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs.names import short
from model import feeds as feeding
from model.errors import ModelError
from model.graph import frozen
from model.graph.text_and_score import score_output, text_input
from model.reasons import anatomy, leaving_out, rules
from model.reasons.anatomy import Anatomy, Bytes, Explained

_ROWS = 256  # messages of one run
_ALL = 1 << 20  # rules that are told of


class Piece(NamedTuple):
    text: bytes
    begin: int  # its place among the message's bytes
    end: int
    share: float  # in logits, or of a score that is no probability as that is
    parts: int | None  # the same as a whole number, of which those of all pieces sum to the margin; None: it is none


class Explanation(NamedTuple):
    """Of one message. What is exact has a margin and its parts."""

    text: bytes
    score: float
    pieces: list[Piece]  # the largest share first
    rules: rules.RuleReasons
    logit: float | None  # of the model, before rules; None unless exact
    bias: float | None  # the logit without any text
    margin: int | None  # the sum behind the logit; the pieces' parts sum to `unit` times that
    unit: int | None

    @property
    def is_exact(self) -> bool:
        return self.margin is not None


def explain(
    graph: tf.Graph,
    texts: Sequence[bytes],
    others: Mapping[str, Sequence[bytes] | str],
    input: str | None = None,
    score: str | None = None,
) -> list[Explanation]:
    """Explain texts by a loaded graph. `others` are what its other placeholders are fed: a cell for each text, or one
    value for all. `input` and `score` name the placeholder of the texts and the score, where that is in doubt.

    Raises ModelError if there is no such placeholder or score, another is not fed, or the graph does not run.
    """
    text_name, score_name = text_input(graph, input), score_output(graph, score)
    found = anatomy.find(graph.as_graph_def(), score_name)
    exact = found if found is not None and found.sum.text == text_name else None
    with v1.Session(graph=graph) as session:
        room = _Room(session, text_name, score_name, others)
        return room.exactly(exact, texts) if exact else room.nearly(texts)


class _Room:
    def __init__(self, session: v1.Session, text: str, score: str, others: Mapping[str, Sequence[bytes] | str]) -> None:
        self._session, self._graph = session, session.graph
        self._text, self._score = frozen.tensor(self._graph, text), frozen.tensor(self._graph, score)
        self._others = {frozen.tensor(self._graph, name): value for name, value in others.items()}
        self._hits = rules.find(self._graph.as_graph_def())
        needed = _ancestors(self._score.op)
        unfed = [
            each.op.name
            for each in frozen.placeholders(self._graph)
            if each is not self._text and each not in self._others and (self._hits or each.op in needed)
        ]
        if unfed:
            raise ModelError(f"the graph also wants {unfed[0]!r}: --feed {unfed[0]}=VALUE")
        try:
            session.run(frozen.initialisers(self._graph))
        except tf.errors.OpError as error:
            raise ModelError(f"a lookup table can't be filled: {error.message}") from None

    def exactly(self, found: Anatomy, texts: Sequence[bytes]) -> list[Explanation]:
        explanations = []
        for start in range(0, len(texts), _ROWS):
            rows = range(start, min(start + _ROWS, len(texts)))
            score, *arrays = self._run((self._score.name, *found.fetches), [texts[row] for row in rows], rows)
            explained = Explained.of(found, _array([texts[row] for row in rows]), arrays, _ALL)
            explanations += _exact(explained, score.ravel())
        return explanations

    def nearly(self, texts: Sequence[bytes]) -> list[Explanation]:
        hits = self._hits
        found = []
        for row, text in enumerate(texts):

            def scores(variants: Sequence[bytes], row: int = row) -> npt.NDArray[np.float64]:
                [values] = self._run((self._score.name,), variants, [row] * len(variants))
                if values.size != len(variants):
                    raise ModelError(f"{short(self._score.name)!r} has the shape {list(values.shape)}: no score a text")
                return values.ravel().astype(np.float64)

            held: list[rules.RuleReasons] = [[]]
            if hits:
                rows, holds = self._run((hits.rows, hits.rules), [text], [row])
                held = rules.reasons(hits.policy, rows, holds, 1, _ALL)
            score, left = leaving_out.shares(text, scores)
            pieces = [
                Piece(text[each.begin : each.end], each.begin, each.end, each.share, None)
                for each in sorted(left, key=lambda each: -abs(each.share))
            ]
            found.append(Explanation(text, score, pieces, held[0], None, None, None, None))
        return found

    def _run(self, names: Sequence[str], texts: Sequence[bytes], rows: Sequence[int]) -> list[npt.NDArray[Any]]:
        """What the graph makes of these texts, each with what belongs to a row besides."""
        fed = {self._text: _array(texts)}
        for tensor, value in self._others.items():
            cells = [value] * len(rows) if isinstance(value, str) else [_decoded(value[row]) for row in rows]
            values = feeding.parse(tensor, cells)
            fed[tensor] = values[0] if tensor.shape.rank == 0 else values
        return feeding.run(self._session, [frozen.tensor(self._graph, name) for name in names], fed)


def _exact(explained: Explained, scores: npt.NDArray[Any]) -> list[Explanation]:
    spans = explained.spans
    everything = np.arange(len(spans.begins))
    places = explained.places(everything)
    shares = explained.shares(everything).tolist()
    edges = np.searchsorted(spans.texts, np.arange(len(explained.texts) + 1)).tolist()
    found = []
    for row, text in enumerate(explained.texts):
        pieces = [
            Piece(text[slice(*places[each])], *places[each], shares[each], int(spans.shares[each]))
            for each in range(edges[row], edges[row + 1])
        ]
        pieces.sort(key=lambda piece: -abs(piece.parts or 0))
        found.append(
            Explanation(
                text, float(str(scores[row])), pieces, explained.rules[row], float(explained.logits[row]),
                explained.bias, int(explained.margin[row]), explained.parts,
            )
        )  # fmt: skip
    return found


def _ancestors(operation: tf.Operation) -> set[tf.Operation]:
    found: set[tf.Operation] = set()
    waiting = [operation]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += [tensor.op for tensor in each.inputs] + list(each.control_inputs)
    return found


def _array(texts: Sequence[bytes]) -> Bytes:
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


def _decoded(cell: bytes) -> str:
    return cell.decode("utf-8", "surrogateescape")
