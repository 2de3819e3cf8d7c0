"""Which of a graph's rules hold for a message, as reasons: the one that decided, and those that added points."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tensorflow.compat import v1

from graphs import names
from model.rules import stored
from model.rules.policy import Policy
from model.rules.reading import POINT

_INT64 = 9
RuleReasons = list[tuple[str, "float | str"]]  # a rule's name, and "allow", "deny" or points in logits


class RuleHits(NamedTuple):
    """Where a graph finds which of its policy's R rules hold: for H of N messages."""

    policy: Policy
    rows: str  # int64 [H]: the messages
    rules: str  # bool [H, R]


def find(graph_def: v1.GraphDef) -> RuleHits | None:
    """None for a graph without rules, or with none that could hold. By what `model rules` builds (model/rules): the one
    `Any` there says which hold, the one scatter of int64 spreads what follows from it."""
    policy = stored.find(graph_def)
    if policy is None:
        return None
    nodes = {node.name: node for node in graph_def.node if node.name.startswith(f"{stored.ROOM}/")}
    holds = [node.name for node in nodes.values() if node.op == "Any"]
    spread = [node for node in nodes.values() if node.op == "ScatterNd" and node.attr["T"].type == _INT64]
    if len(holds) != 1 or len(spread) != 1:
        return None
    places = nodes.get(names.node_of(spread[0].input[0]))
    if places is None or places.op != "StridedSlice":  # a new axis
        return None
    return RuleHits(policy, names.node_of(places.input[0]), holds[0])


def reasons(
    policy: Policy, rows: npt.NDArray[Any], holds: npt.NDArray[np.bool_], count: int, most: int
) -> list[RuleReasons]:
    """For each of so many messages, from the values of RuleHits' tensors: the rule that decided whatever the score is,
    if one did, and the rules that added the most points or took them away, at most so many."""
    found: list[RuleReasons] = [[] for _ in range(count)]
    for row, which in zip(rows.tolist(), holds, strict=True):
        held = [policy.rules[number] for number in np.flatnonzero(which)]
        deciding = _first(held, "allow") or _first(held, "deny")
        points = sorted((rule for rule in held if rule.kind == "points"), key=lambda rule: -abs(rule.points))
        found[row] = [
            *([(deciding.name, str(deciding.kind))] if deciding else []),
            *((rule.name, rule.points / POINT) for rule in points[:most]),
        ]
    return found


def _first(rules: Sequence[Any], kind: str) -> Any:
    return next((rule for rule in rules if rule.kind == kind), None)
