"""Tables that records write into are found in any order of the nodes, and in time that grows with the graph alone."""

import pytest

from graphs import messages, tables

Node = tuple[str, str, list[str]]  # name, op, inputs

FED: list[Node] = [
    ("x", "Placeholder", []),
    ("keys", "Const", []),
    ("table", "HashTableV2", []),
    ("values", "Identity", ["x"]),
    ("more", "Identity", ["values:0"]),
    ("fill", "LookupTableImportV2", ["table", "keys", "more"]),
]
FIXED = [("x", "Placeholder", []), *FED[1:3], ("fill", "LookupTableImportV2", ["table", "keys", "keys"])]
WAITS = [*FIXED[:-1], ("fill", "LookupTableImportV2", ["table", "keys", "keys", "^x"])]
BRIEF = [(name, "AnonymousHashTable" if op == "HashTableV2" else op, inputs) for name, op, inputs in FED]
LOOP = [  # a feed that comes in by the loop's second input, and is known only when the way back has been followed
    ("start", "Const", []),
    ("merge", "Merge", ["start", "next"]),
    ("next", "NextIteration", ["add"]),
    ("add", "AddV2", ["merge", "x"]),
    *FED[:3],
    ("fill", "LookupTableImportV2", ["table", "keys", "merge"]),
]


def graph_of(nodes: list[Node]) -> messages.GraphDef:
    found = messages.parse(b"\x0a\x06\x0a\x01x\x12\x01x")  # a node x whose op is x
    del found.node[:]
    for name, op, inputs in nodes:
        found.node.add(name=name, op=op, input=inputs)
    return found


def found_in(graph_def: messages.GraphDef) -> list[tuple[str, str]]:
    return [(function, node.name) for function, node in tables.written_by_records(graph_def)]


@pytest.mark.parametrize(
    ("nodes", "writes"),
    [(FED, ["fill"]), (FIXED, []), (WAITS, ["fill"]), (BRIEF, []), (LOOP, ["fill"])],
    ids=["fed", "fixed", "waits", "brief", "loop"],
)
def test_the_order_of_the_nodes_says_nothing(nodes: list[Node], writes: list[str]) -> None:
    for start in range(len(nodes)):
        turned = [*nodes[start:], *nodes[:start]]
        for ordered in (turned, turned[::-1]):
            assert found_in(graph_of(ordered)) == [("", name) for name in writes]


def test_what_is_fed_is_followed_through_calls_that_go_round() -> None:
    graph_def = graph_of([("call", "PartitionedCall", ["x"]), ("x", "Placeholder", [])])
    graph_def.node[0].attr["f"].func.name = "outer"
    for name, called in (("outer", "inner"), ("inner", "outer")):
        function = graph_def.library.function.add()
        function.signature.name = name
        function.signature.input_arg.add(name="values")
        call = function.node_def.add(name="call", op="StatefulPartitionedCall", input=["values"])
        call.attr["f"].func.name = called
    body = graph_def.library.function[1].node_def
    body.add(name="fill", op="LookupTableImportV2", input=["table", "keys", "values"])
    body.add(name="table", op="HashTableV2")
    assert found_in(graph_def) == [("inner", "fill")]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("is_backwards", [False, True])
def test_a_large_graph_is_read_in_any_order(is_backwards: bool) -> None:
    """A second or so; a look at all nodes for each of them would take hours."""
    steps = 50_000
    chain: list[Node] = [(f"step_{n}", "Identity", [f"step_{n - 1}" if n else "x"]) for n in range(steps)]
    nodes = [*FED[:3], *chain, ("fill", "LookupTableImportV2", ["table", "keys", f"step_{steps - 1}"])]
    assert found_in(graph_of(nodes[::-1] if is_backwards else nodes)) == [("", "fill")]
