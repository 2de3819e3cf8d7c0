"""Whether workers accept a model, as far as names and attributes of its ops tell, and what they allow besides."""

from collections.abc import Mapping, Sequence

from graphs.allowed import VARIABLE
from graphs.errors import GraphError
from graphs.verdict import Published, Refusal
from producer.graph import Graph

NAMED = 3  # workers in a sentence


def check_accepted(graph: Graph, allowed: frozenset[str]) -> None:
    """Raises GraphError unless workers that allow these ops besides accept the graph."""
    for refusal in _refused(graph, allowed):
        raise GraphError(f"{graph.path}: {refusal.text}")


def who_accepts(graph: Graph, op_lists: Mapping[str, Sequence[str]]) -> str | None:
    """What is to be said of the workers that are there: `op_lists` has them, by the line in which each says how it
    judges. Raises GraphError if all of them refuse the graph. What one with other rules does is not known."""
    if not graph.refused:
        return None
    of_lists = {line: Published.of(line) for line in op_lists}
    accepting = [who for line in op_lists if not _refused(graph, of_lists[line].allowed) for who in op_lists[line]]
    others = [line for line in op_lists if not set(op_lists[line]) <= set(accepting)]
    if others and not accepting and all(of_lists[line].has_our_rules for line in others):
        check_accepted(graph, of_lists[others[0]].allowed)
    first = graph.refused[0]
    which = f"node {first.node!r} of {graph.path.name} is the op {first.op}, which {first.why}"
    if not op_lists:
        return f"{which}: only workers whose {VARIABLE} has it accept it"
    if not others:
        return f"{which}: the workers accept it by their {VARIABLE}"
    if accepting:
        accept = f"only {named(accepting)} {'accepts' if len(accepting) == 1 else 'accept'} it ({VARIABLE})"
        return f"{which}: {accept}, and the other workers may fail the job"
    return None


def named(workers: Sequence[str]) -> str:
    return ", ".join(workers[:NAMED]) + (" ..." if len(workers) > NAMED else "")


def _refused(graph: Graph, allowed: frozenset[str]) -> list[Refusal]:
    return [each for each in graph.refused if each.op not in allowed]
