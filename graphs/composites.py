"""Outputs that are several tensors: sparse and ragged ones, of which each record has a list.

They are known by their names, as `model freeze` and TensorFlow write them, or by an op that gives all their tensors:

    NAME/indices, NAME/values, NAME/shape             sparse
    NAME/flat_values, NAME/row_splits_0 ...           ragged
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from graphs.inputs import MAY_BE_FED
from graphs.messages import GraphDef

# Their first three outputs are indices, values and the dense shape.
_SPARSE = re.compile(
    "StringSplit(V2)?|CTCGreedyDecoder|SparseSlice|SparseConcat|SparseFillEmptyRows|SparseCross.*|DeserializeSparse"
    "|(Dense|Sparse)To(Dense|Sparse)SetOperation|(Dense|Sparse|Ragged)CountSparseOutput|TakeManySparseFromTensorsMap"
)
# Which of their outputs are the values and the row splits.
_RAGGED = {"StringNGrams": (0, 1), "UnicodeDecode": (1, 0), "UnicodeDecodeWithOffsets": (1, 0), "RaggedRange": (1, 0)}


class Composite(NamedTuple):
    """A sparse one's `tensors` are its indices, values and dense shape; a ragged one's its flat values, and its row
    splits from the outermost on."""

    form: Literal["sparse", "ragged"]
    tensors: tuple[str, ...]

    @property
    def values(self) -> str:
        """The tensor with the values of all records."""
        return self.tensors[1 if self.form == "sparse" else 0]

    @property
    def rank(self) -> int:
        """With the dimension of the records. Of a sparse one only lists of values can be scored."""
        return 2 if self.form == "sparse" else len(self.tensors)


def composites(graph_def: GraphDef) -> dict[str, Composite]:
    """Those that the graph computes, by name."""
    names = {node.name for node in graph_def.node if node.op not in MAY_BE_FED}
    found: dict[str, Composite] = {}
    for node in graph_def.node:
        if _SPARSE.fullmatch(node.op):
            found[node.name] = Composite("sparse", (node.name, f"{node.name}:1", f"{node.name}:2"))
        elif node.op in _RAGGED:
            tensors = [f"{node.name}:{number}".removesuffix(":0") for number in _RAGGED[node.op]]
            found[node.name] = Composite("ragged", tuple(tensors))
    for name in names:
        room, _, last = name.rpartition("/")
        if not room or room in names:
            continue
        if last == "indices" and {f"{room}/values", f"{room}/shape"} <= names:
            found[room] = Composite("sparse", (name, f"{room}/values", f"{room}/shape"))
        elif last == "flat_values" and f"{room}/row_splits_0" in names:
            splits = [f"{room}/row_splits_0"]
            while (following := f"{room}/row_splits_{len(splits)}") in names:
                splits.append(following)
            found[room] = Composite("ragged", (name, *splits))
    return found


def grouped(names: tuple[str, ...], known: Mapping[str, Composite]) -> tuple[str, ...]:
    """The nodes, with the parts of a composite replaced by its name if all of them that are there are its."""
    whole = {tensor: name for name, each in known.items() if set(each.tensors) <= set(names) for tensor in each.tensors}
    return tuple(dict.fromkeys(whole.get(name, name) for name in names))
