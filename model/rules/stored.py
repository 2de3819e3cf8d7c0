"""The policy inside its graph: a constant, of JSON, that no output reads."""

import tensorflow as tf
from tensorflow.compat import v1

from graphs import constants
from model.rules.policy import Policy

ROOM = "rules"  # the scope of all that the rules add to a graph
NODE = f"{ROOM}/policy"


def keep(policy: Policy) -> None:
    """Add the policy to the default graph, in the scope ROOM."""
    tf.constant(policy.to_json().encode(), name=NODE.removeprefix(f"{ROOM}/"))


def find(graph_def: v1.GraphDef) -> Policy | None:
    """The policy that a graph says it was compiled with; None if it says nothing that is one."""
    node = next((node for node in graph_def.node if node.name == NODE), None)
    values = None if node is None else constants.values(node)
    if not values or len(values) != 1 or not isinstance(values[0], bytes):
        return None
    try:
        return Policy.from_json(values[0].decode())
    except UnicodeDecodeError:
        return None
