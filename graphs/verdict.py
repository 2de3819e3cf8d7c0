"""The verdict on a graph: which of its nodes a worker refuses, and why.

The rules are those of `graphs.ops` and `graphs.tables`; what they need to know of TensorFlow is a list of its ops.
"""

import hashlib
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from graphs import ops, tables
from graphs.families.conditions import condition_refusal
from graphs.messages import GraphDef, NodeDef
from graphs.walk import called, every

_PUBLISHED = re.compile(r".+ [0-9a-f]{16}, rules (?P<rules>[0-9a-f]{16})(, allowing (?P<allowed>[\w>.,]+))?")


class Traits(NamedTuple):
    """What a registry says of an op: has it effects beyond its outputs, does it take or give a reference?"""

    is_stateful: bool
    has_references: bool


@dataclass(frozen=True)
class OpList:
    """The ops that a runtime has. `name` is for people: "TensorFlow 2.21.0". `allowed` are accepted besides, whatever
    they do. Where `traits` is None nobody knows which ops it has: names and attributes alone are judged."""

    name: str
    traits: Mapping[str, Traits] | None  # by op
    allowed: frozenset[str] = frozenset()

    def traits_of(self, op: str) -> Traits | None:
        return None if self.traits is None else self.traits.get(op)

    @cached_property
    def digest(self) -> str:
        """The sha256, in hexadecimal, of the list and of the rules' names and patterns, whatever the list is called."""
        traits = sorted((self.traits or {}).items())
        lines = [f"{op} {int(of.is_stateful)} {int(of.has_references)}\n" for op, of in traits]
        lines += [f"{op} allowed\n" for op in sorted(self.allowed)]
        return hashlib.sha256(f"{ops.rules_digest()}\n{''.join(lines)}".encode()).hexdigest()

    @cached_property
    def text(self) -> str:
        """In one line, as workers publish it: two that judge alike have the same. `Published` reads it."""
        more = f", allowing {','.join(sorted(self.allowed))}" if self.allowed else ""
        return f"{self.name} {self.digest[:16]}, rules {ops.rules_digest()[:16]}{more}"


class Published(NamedTuple):
    """What a worker's line says of how it judges."""

    has_our_rules: bool  # so that what we refuse by name or attributes it refuses too, unless it is `allowed`
    allowed: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Self:
        """Of a line by an older worker nothing is known."""
        found = _PUBLISHED.fullmatch(text)
        if found is None:
            return cls(False, frozenset())
        allowed = frozenset(filter(None, (found["allowed"] or "").split(",")))
        return cls(found["rules"] == ops.rules_digest()[:16], allowed)


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
    writes = any(ops.TABLE_WRITES.fullmatch(node.op) for _, node in every(graph_def))
    by_records = {(function, node.name) for function, node in tables.written_by_records(graph_def)} if writes else set()
    found = []
    for function, node in every(graph_def):
        reason = _reason(node, functions, available, to_freeze)
        if (function, node.name) in by_records and node.op not in available.allowed:
            reason = reason or "writes what one record has into a table in which others are looked up"
        if reason:
            found.append(Refusal(called(function, node), node.op, reason))
    return found


def _reason(node: NodeDef, functions: Set[str], available: OpList, to_freeze: bool) -> str | None:
    traits = available.traits_of(node.op)
    if traits is None:
        if node.op in functions:  # whose body is looked at
            return None
        if available.traits is not None:
            reason = ops.refusal(node.op)
            return reason if reason not in (None, ops.NOT_REVIEWED) else f"{available.name} does not have"
    if node.op in available.allowed:
        return None
    reason = ops.refusal(node.op, to_freeze=to_freeze) or condition_refusal(node)
    if reason is None and traits is not None and ops.only_computes(node.op):
        return _unlike_reviewed(traits)
    return reason


def _unlike_reviewed(traits: Traits) -> str | None:
    if traits.is_stateful:
        return "keeps state outside the graph, unlike when it was reviewed"
    if traits.has_references:
        return "may change what stays from one call to the next, unlike when it was reviewed"
    return None
