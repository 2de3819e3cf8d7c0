"""The verdict on a graph: which of its nodes a worker refuses, and why.

The rules are those of `graphs.ops` and `graphs.tables`; what they need to know of TensorFlow is a list of its ops.
"""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from graphs import ops, tables
from graphs.messages import GraphDef, NodeDef
from graphs.walk import called, every


class Traits(NamedTuple):
    """What a registry says of an op: has it effects beyond its outputs, does it take or give a reference?"""

    is_stateful: bool
    has_references: bool


@dataclass(frozen=True)
class OpList:
    """The ops that a runtime has. `name` is for people: "TensorFlow 2.21.0"."""

    name: str
    traits: Mapping[str, Traits]  # by op

    @cached_property
    def digest(self) -> str:
        """The sha256, in hexadecimal, of the list and of the rules' names and patterns, whatever the list is called."""
        lines = [f"{op} {int(of.is_stateful)} {int(of.has_references)}\n" for op, of in sorted(self.traits.items())]
        return hashlib.sha256(f"{ops.rules_digest()}\n{''.join(lines)}".encode()).hexdigest()

    @property
    def text(self) -> str:
        """In one line, as workers publish it: two that judge alike have the same."""
        return f"{self.name} {self.digest[:16]}"


class Refusal(NamedTuple):
    """`node` is called 'function/node' in a function; `why` completes the sentence "the op X, which ..."."""

    node: str
    op: str
    why: str

    @property
    def text(self) -> str:
        return f"refused: node {self.node!r} is the op {self.op}, which {self.why}"


def refusals(graph_def: GraphDef, available: OpList, *, to_freeze: bool = False) -> list[Refusal]:
    """Each node that a worker with these ops refuses, or would once the graph, if it is yet `to_freeze`, is frozen."""
    functions = {function.signature.name for function in graph_def.library.function}
    by_records = {(function, node.name) for function, node in tables.written_by_records(graph_def)}
    found = []
    for function, node in every(graph_def):
        reason = _reason(node, functions, available, to_freeze)
        if (function, node.name) in by_records:
            reason = reason or "writes what one record has into a table in which others are looked up"
        if reason:
            found.append(Refusal(called(function, node), node.op, reason))
    return found


def _reason(node: NodeDef, functions: Set[str], available: OpList, to_freeze: bool) -> str | None:
    traits = available.traits.get(node.op)
    if traits is None:
        unknown = None if node.op in functions else f"{available.name} does not have"
        return ops.refusal(node.op, is_stateful=False) or unknown
    if node.op == "Empty" and "init" in node.attr and node.attr["init"].b:  # zeros
        return None
    return ops.refusal(
        node.op, is_stateful=traits.is_stateful, has_references=traits.has_references, to_freeze=to_freeze
    )
