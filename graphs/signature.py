"""A frozen graph from outside: what it wants, what it gives, and how a table fits it.

`producer enqueue` and `model inspect` both ask here, so that they give the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphs import walk
from graphs.composites import Composite, composites, grouped
from graphs.errors import GraphError
from graphs.feeding import Fed, fit
from graphs.feeds import Fetch
from graphs.messages import GraphDef
from graphs.names import node_of, tensor_of
from graphs.outputs import terminal
from graphs.rowless import rowless
from graphs.wanted_inputs import Want, wants
from graphs.words import Output, Words


@dataclass(frozen=True, slots=True)
class Signature:
    """Of one graph."""

    inputs: dict[str, tuple[str, ...]]  # node: the nodes it reads from
    wants: tuple[Want, ...]
    terminal: tuple[str, ...]  # what is fetched when nobody says what
    rowless: frozenset[str]  # nodes that surely have no row a record
    composites: dict[str, Composite]  # sparse and ragged outputs, by name

    @classmethod
    def of(cls, graph_def: GraphDef) -> "Signature":
        """Raises GraphError if a node that another reads from is missing."""
        inputs = walk.inputs(graph_def)
        missing = {name for names in inputs.values() for name in names} - inputs.keys()
        if missing:
            raise GraphError(f"the graph is damaged, the node {min(missing)!r} is missing")
        is_rowless = rowless(graph_def)
        several = composites(graph_def)
        ends = grouped(tuple(terminal(graph_def)), several)
        return cls(inputs, tuple(wants(graph_def)), ends, frozenset(filter(is_rowless, inputs)), several)

    def __contains__(self, fetch: str) -> bool:
        """Whether a node, or `node:1`, may be fetched: which outputs a node has, TensorFlow knows."""
        return fetch in self.composites or (tensor_of(fetch) is not None and node_of(fetch) in self.inputs)

    def fetches(self, words: Words) -> tuple[Fetch, ...]:
        """What is fetched. Raises GraphError for a node that is not there, or has no row a record."""
        outputs = words.outputs or tuple(Output(name, name) for name in self.terminal)
        asked = bool(words.outputs) or len(outputs) == 1
        for output in outputs:
            if output.tensor not in self:
                raise GraphError(f"no node {output.tensor!r}; its terminal nodes: {', '.join(self.terminal)}")
            if output.tensor in self.rowless:
                raise GraphError(f"the node {output.tensor!r} has no row a record, so its value is no score")
            several = self.composites.get(output.tensor)
            if several and output.column is not None:
                raise GraphError(f"the output {output.tensor!r} is {several.form}: it has no column {output.column}")
        return tuple(self._fetch(each, asked) for each in outputs)

    def _fetch(self, output: Output, asked: bool) -> Fetch:
        several = self.composites.get(output.tensor)
        if several is None:
            return Fetch(output.name, output.tensor, output.column, asked)
        return Fetch(output.name, output.tensor, asked=asked, form=several.form, tensors=several.tensors)

    def needed_by(self, fetches: Sequence[Fetch]) -> list[Want]:
        """The inputs that the fetched nodes depend on, in the graph's order. Raises GraphError if there are none."""
        tensors = [tensor for fetch in fetches for tensor in fetch.fetched]
        reached = walk.reached(self.inputs, tensors)
        found = [want for want in self.wants if any(tensor in reached for tensor in want.tensors)]
        if not found:
            names = ", ".join(fetch.tensor for fetch in fetches)
            raise GraphError(f"nothing to feed: no placeholder leads to {names or 'an output'}")
        return found

    def fit(self, fetches: Sequence[Fetch], words: Words, columns: Sequence[str], id_column: str | None = None) -> Fed:
        """What feeds the inputs that the fetched nodes need, as `graphs.feeding.fit` has it."""
        return fit(self.needed_by(fetches), words, columns, id_column)
