"""Freezing: variables become constants, what no output needs is dropped, and one `.pb` is the whole model."""

from collections.abc import Sequence

from tensorflow.compat import v1

from model.errors import ModelError


def freeze(session: v1.Session, outputs: Sequence[str] = ("score",)) -> bytes:
    """Return the serialised GraphDef that computes the nodes `outputs` from the session's variables, as they are now.

    The bytes are the same for the same graph and values. Raises ModelError if a node is absent.
    """
    graph_def = session.graph.as_graph_def()
    names = {node.name for node in graph_def.node}
    for output in outputs:
        if output not in names:
            raise ModelError(f"the graph has no node {output!r} to freeze: name its outputs with --node")
    frozen = v1.graph_util.convert_variables_to_constants(session, graph_def, list(outputs))
    for node in frozen.node:
        node.device = ""  # where it was trained says nothing about where it will run
    content: bytes = frozen.SerializeToString(deterministic=True)
    return content
