"""Whether a graph's score is a sum over the pieces of a text, as the spam models' are, and where in the graph it is.

Such a graph lays its texts one behind the other as bytes, looks up a whole number for the n-gram at each byte, sums
them for each text, and makes a score of the sum by a division, a constant and the logistic function. That is told by
its nodes alone, whatever they are called and however large its n-grams are: so models of other versions are known, too.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from graphs import constants, walk
from graphs.messages import GraphDef, NodeDef
from graphs.names import is_control, node_of, tensor_of

_INTEGERS = (3, 9)  # the dtypes int32 and int64
_OCTET, _STRING = 4, 7
_BY_ELEMENT = frozenset([
    "AddV2", "Add", "Sub", "Mul", "Cast", "Bitcast", "RightShift", "LeftShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor",
    "Identity", "Maximum", "Minimum", "FloorMod",
])  # fmt: skip
_MOST_SIZES = 64  # of n-grams
_RULES = "rules/"  # the scope of what `model rules` adds: where no points are added, its score is the model's


class InOrder(NamedTuple):
    """Texts that are laid one behind the other as they come."""

    texts: str  # string [N]: the placeholder's, or what the graph makes of them first
    lead: int  # bytes before the first
    gap: int  # bytes between two

    @property
    def tensors(self) -> tuple[str, ...]:
        return (self.texts,)


class Anywhere(NamedTuple):
    """Texts of which some are laid behind all others, as something else."""

    octets: str  # uint8 [P]: all bytes
    starts: str  # whole numbers [N]: where each text's are
    lengths: str  # whole numbers [N]: how many they are

    @property
    def tensors(self) -> tuple[str, ...]:
        return self


class NgramSum(NamedTuple):
    """Where a score comes from. Of N texts whose bytes, with what is between them, are P.

    A text's score is logistic(`scale` * margin / norm + `bias`); without `norm` the margin is divided by nothing.
    """

    text: str  # the placeholder of the texts
    laid: "InOrder | Anywhere"
    grams: tuple[tuple[str, int], ...]  # whole numbers [P], what the n-gram at each byte counts; and its size in bytes
    block: int  # bytes
    first: str  # whole numbers [N]: the first block of which the n-grams are a text's
    end: str  # that behind the last
    margin: str  # whole numbers [N]: the sum over these blocks
    norm: str  # floating point [N]; empty if there is none
    scale: float
    bias: float

    @property
    def tensors(self) -> tuple[str, ...]:
        """What is to be fetched to see it."""
        norm = (self.norm,) if self.norm else ()
        laid = () if isinstance(self.laid, InOrder) and self.laid.texts == self.text else self.laid.tensors
        return (self.margin, self.first, self.end, *(name for name, _ in self.grams), *norm, *laid)


class _OtherError(Exception):
    """It is no such graph."""


def find(graph_def: GraphDef, score: str) -> NgramSum | None:
    """How the output `score` is a sum over n-grams; None if it is anything else."""
    try:
        return _Anatomy({node.name: node for node in graph_def.node}).of(score)
    except (_OtherError, LookupError, ValueError, TypeError, ArithmeticError, RecursionError):
        return None


def texts_of(graph_def: GraphDef, score: str) -> list[str]:
    """The placeholders of strings that the output depends on."""
    part = walk.needed_by(graph_def, [score])
    return [node.name for node in part.nodes if node.op == "Placeholder" and node.attr["dtype"].type == _STRING]


class _Anatomy:
    def __init__(self, nodes: dict[str, NodeDef]) -> None:
        self._nodes = nodes
        self._reached: dict[str, tuple[int, str]] = {}

    def of(self, score: str) -> NgramSum:
        looked_up = self._strip(score, "Identity", "Reshape")
        if looked_up.op == "SelectV2" and looked_up.name.startswith(_RULES):
            looked_up = self._strip(looked_up.input[1], "Identity", "Reshape")
        logit = self._logit(looked_up)
        margin, norm, scale, bias = self._linear(logit)
        difference = self._strip(margin, "Cast", "Identity", "Snapshot")
        end, first = self._arguments(difference, "Sub")
        running, end = self._gathered(end)
        same, first = self._gathered(first)
        if running != same:
            raise _OtherError
        block, summed = self._blocks(running)
        grams = [self._gram(each) for each in islice(self._terms(summed), _MOST_SIZES)]
        sources = {source for _, _, source in grams}
        if len(sources) != 1:
            raise _OtherError
        decoded = self._node(sources.pop(), "DecodeRaw")
        laid = self._laid_out(decoded, first)
        [text] = self._texts(decoded.name)
        sized = tuple((name, size) for name, size, _ in grams)
        return NgramSum(text, laid, sized, block, first, end, difference.name, norm, scale, bias)

    # From the score to the margin

    def _logit(self, looked_up: NodeDef) -> str:
        """What the score is the logistic function of, by a table of it."""
        table, place = self._gathered(looked_up.name)
        half, steps = 0.0, 1.0
        node = self._strip(place, "Cast", "Identity")
        if node.op in ("AddV2", "Add"):
            place, half = self._and_number(node)
            node = self._strip(place, "Cast", "Identity")
        [rounded] = self._arguments(node, "Round", "Rint")
        node = self._strip(rounded, "Identity")
        if node.op == "Mul":
            rounded, steps = self._and_number(node)
        node = self._strip(rounded, "Identity")
        for _ in range(2):  # limits
            if node.op not in ("Minimum", "Maximum", "ClipByValue"):
                break
            rounded = node.input[0] if node.op == "ClipByValue" else self._and_number(node)[0]
            node = self._strip(rounded, "Identity")
        values = self._values(table)
        for at in {0, len(values) // 3, len(values) // 2, 2 * len(values) // 3, len(values) - 1}:
            if not math.isclose(float(values[at]), 1 / (1 + math.exp((half - at) / steps)), abs_tol=1e-6):
                raise _OtherError
        return str(node.name)

    def _linear(self, logit: str) -> tuple[str, str, float, float]:
        """Margin, norm, scale and bias."""
        scale, bias = 1.0, 0.0
        for _ in self._nodes:  # a graph may have circles
            node = self._strip(logit, "Identity")
            first, *rest = self._sources(node)
            if node.op in ("RealDiv", "Div") and not self._is_number(rest[0]):
                return first, rest[0], scale, bias
            if node.op in ("RealDiv", "Div"):
                logit, by = first, self._number(rest[0])
                if by == 0:
                    raise _OtherError
                scale /= by
            elif node.op == "Mul":
                logit, by = self._and_number(node)
                scale *= by
            elif node.op in ("AddV2", "Add"):
                logit, more = self._and_number(node)
                bias += scale * more
            elif node.op == "Cast":
                return node.name, "", scale, bias
            else:
                break
        raise _OtherError

    # From the margin to the n-grams

    def _blocks(self, running: str) -> tuple[int, str]:
        """The size of a block, and what is summed by blocks, of sums from the first block on."""
        zeros, total, _ = self._arguments(self._node(running), "ConcatV2")
        if any(self._values(zeros)) or len(self._values(zeros)) != 1:
            raise _OtherError
        cumulated = self._node(total, "Cumsum")
        if cumulated.attr["exclusive"].b or cumulated.attr["reverse"].b:
            raise _OtherError
        summed = self._strip(cumulated.input[0], "Cast", "Identity")
        blocks, axis = self._arguments(summed, "Sum")
        if self._number(axis) not in (1, -1) or summed.attr["keep_dims"].b:
            raise _OtherError
        flat, shape = self._arguments(self._node(blocks), "Reshape")
        [rows, block] = self._values(shape)
        if rows != -1 or not int(block) > 0:
            raise _OtherError
        return int(block), flat

    def _terms(self, name: str) -> Iterator[str]:
        node = self._strip(name, "Identity")
        if node.op in ("AddN", "AddV2", "Add"):
            for source in self._sources(node):
                yield from self._terms(source)
        else:
            yield node.name

    def _gram(self, name: str) -> tuple[str, int, str]:
        """What n-grams count, their size, and the bytes that they are of."""
        node = self._node(name)
        table, rows = self._gathered(name) if node.op == "GatherV2" else self._arguments(node, "GatherNd")
        weights = self._strip(table, "Identity")
        if weights.op != "Const" or weights.attr["dtype"].type not in _INTEGERS or len(constants.shape(weights)) != 1:
            raise _OtherError
        last, source = self._reach(rows)
        return name, last + 1, source

    def _reach(self, name: str) -> tuple[int, str]:
        """Up to which byte behind its own place a value depends on the bytes, and whose they are; -1: on none."""
        key = node_of(name)
        if key not in self._reached:
            self._reached[key] = self._found_reach(self._node(name))
        return self._reached[key]

    def _found_reach(self, node: NodeDef) -> tuple[int, str]:
        if node.op == "DecodeRaw":
            return 0, node.name
        if node.op == "Const":
            if constants.shape(node) not in ((), (1,)):
                raise _OtherError
            return -1, ""
        sources = self._sources(node)
        if node.op == "StridedSlice":
            last, source = self._reach(sources[0])
            return last + self._begin(node), source
        if node.op in ("GatherV2", "GatherNd"):
            if self._strip(sources[0], "Identity").op != "Const":
                raise _OtherError
            return self._reach(sources[1])
        if node.op in ("ExpandDims", "Reshape"):
            return self._reach(sources[0])
        if node.op not in _BY_ELEMENT:
            raise _OtherError
        found = [each for each in map(self._reach, sources) if each[1]]
        if len({source for _, source in found}) != 1:
            raise _OtherError
        return max(last for last, _ in found), found[0][1]

    def _begin(self, node: NodeDef) -> int:
        """From which of its input's elements on a slice is; further axes are new ones."""
        _, begin, _, step = self._sources(node)
        if node.attr["ellipsis_mask"].i or node.attr["shrink_axis_mask"].i or node.attr["new_axis_mask"].i & 1:
            raise _OtherError
        if self._first(step) != 1:
            raise _OtherError
        found = 0 if node.attr["begin_mask"].i & 1 else self._first(begin)
        if found < 0:
            raise _OtherError
        return found

    def _first(self, name: str) -> int:
        node = self._node(name)
        return int(self._number(node.input[0])) if node.op == "Pack" else int(self._values(name)[0])

    # From the bytes to the texts

    def _laid_out(self, decoded: NodeDef, first: str) -> InOrder | Anywhere:
        """How the bytes are those of the texts."""
        if decoded.attr["out_type"].type != _OCTET:
            raise _OtherError
        node = self._node(decoded.input[0])
        if node.op in ("StringLower", "StringUpper") and not node.attr["encoding"].s:  # a byte remains one
            node = self._node(node.input[0])
        lead, texts, *rest = self._arguments(node, "StringJoin")
        joined, axis = self._arguments(self._node(texts), "ReduceJoin")
        [before] = self._values(lead)
        if node.attr["separator"].s or self._number(axis) not in (0, -1) or not isinstance(before, bytes):
            raise _OtherError
        if len(rest) > 1:
            return self._placed(decoded.name, first)
        return InOrder(node_of(joined), len(before), len(self._node(texts).attr["separator"].s))

    def _placed(self, octets: str, first: str) -> Anywhere:
        """By how the first blocks are found: where a text begins, less so many bytes, by the size of a block."""
        before, _ = self._and_number(self._argument_of(first, "FloorDiv", "RightShift"))
        start, _ = self._and_number(self._argument_of(before, "Sub"))
        begins = self._strip(start, "Identity")
        _, length = self._arguments(begins, "Sub")
        return Anywhere(octets, begins.name, node_of(length))

    def _argument_of(self, name: str, *ops: str) -> NodeDef:
        node = self._strip(name, "Identity", "Cast")
        self._arguments(node, *ops)
        return node

    def _texts(self, decoded: str) -> list[str]:
        sources = {name: tuple(node_of(source) for source in node.input) for name, node in self._nodes.items()}
        nodes = [self._nodes[name] for name in walk.reached(sources, [decoded])]
        found = [node.name for node in nodes if node.op == "Placeholder"]
        if len(found) != 1 or self._nodes[found[0]].attr["dtype"].type != _STRING:
            raise _OtherError
        return found

    # Reading nodes

    def _node(self, name: str, op: str | None = None) -> NodeDef:
        if not (tensor_of(name) or "").endswith(":0"):
            raise _OtherError
        node = self._nodes[node_of(name)]
        if op is not None and node.op != op:
            raise _OtherError
        return node

    def _strip(self, name: str, *ops: str) -> NodeDef:
        """The node behind those that only hand on what they are given."""
        node = self._node(name)
        for _ in self._nodes:
            if node.op not in ops:
                break
            node = self._node(node.input[0])
        return node

    def _sources(self, node: NodeDef) -> list[str]:
        return [source for source in node.input if not is_control(source)]

    def _arguments(self, node: NodeDef, *ops: str) -> Sequence[str]:
        if node.op not in ops:
            raise _OtherError
        return self._sources(node)

    def _gathered(self, name: str) -> tuple[str, str]:
        """What is looked up in, along its only axis, and at which places."""
        node = self._strip(name, "Identity")
        table, places, axis = self._arguments(node, "GatherV2")
        if self._number(axis) != 0 or node.attr["batch_dims"].i:
            raise _OtherError
        return self._strip(table, "Identity").name, node_of(places)

    def _values(self, name: str) -> list[constants.Value]:
        found = constants.values(self._strip(name, "Identity"))
        if not found:
            raise _OtherError
        return found

    def _is_number(self, name: str) -> bool:
        node = self._strip(name, "Identity", "Cast")
        return node.op == "Const" and constants.shape(node) in ((), (1,))

    def _number(self, name: str) -> float:
        found = constants.values(self._strip(name, "Identity", "Cast"))
        if found is None or len(found) != 1 or isinstance(found[0], bytes):
            raise _OtherError
        return float(found[0])

    def _and_number(self, node: NodeDef) -> tuple[str, float]:
        """Of two arguments, that which is computed, and the constant."""
        first, second = self._sources(node)
        if self._is_number(second):
            return first, self._number(second)
        return second, self._number(first)
