"""The verdict needs no TensorFlow, only a list of what one has; the list can be named and compared."""

import re

import pytest
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

from graphs import messages, ops, verdict
from graphs.outputs import gives_nothing
from graphs.verdict import OpList, Traits
from model.graph.registry import op_list

PURE, STATEFUL, REFERENCE = Traits(False, False), Traits(True, False), Traits(False, True)
LIST = OpList(
    "Something 1.0",
    {"Add": PURE, "ReadFile": PURE, "Mul": STATEFUL, "Sub": REFERENCE, "Odd": PURE, "Assign": STATEFUL},
)


def graph_of(*ops: str) -> messages.GraphDef:
    found = messages.parse(b"\x0a\x06\x0a\x01x\x12\x01x")  # a node x whose op is x
    del found.node[:]
    for number, op in enumerate(ops):
        found.node.add(name=f"n{number}", op=op)
    return found


def test_each_rule_has_its_reason() -> None:
    found = verdict.refusals(graph_of("Add", "ReadFile", "Mul", "Sub", "Odd", "Mine"), LIST)
    assert [(each.node, each.op) for each in found] == [
        ("n1", "ReadFile"),
        ("n2", "Mul"),
        ("n3", "Sub"),
        ("n4", "Odd"),
        ("n5", "Mine"),
    ]
    assert [each.why for each in found] == [
        "reads or writes files",
        "keeps state outside the graph, unlike when it was reviewed",
        "may change what stays from one call to the next, unlike when it was reviewed",
        "nobody has reviewed yet",
        "Something 1.0 does not have",
    ]
    assert found[0].text == "refused: node 'n1' is the op ReadFile, which reads or writes files"


def test_an_op_of_a_refused_group_is_refused_whatever_the_list_says() -> None:
    [refusal] = verdict.refusals(graph_of("ReadFile"), OpList("an empty one", {}))
    assert refusal.why == "reads or writes files"


def test_a_function_of_the_graph_is_no_unknown_op() -> None:
    graph = graph_of("Mine")
    graph.library.function.add().signature.name = "Mine"
    assert verdict.refusals(graph, LIST) == []
    graph.library.function[0].node_def.add(name="peek", op="ReadFile")
    assert [each.node for each in verdict.refusals(graph, LIST)] == ["Mine/peek"]


def test_training_is_left_behind_by_freezing() -> None:
    assert verdict.refusals(graph_of("Assign"), LIST)
    assert verdict.refusals(graph_of("Assign"), LIST, to_freeze=True) == []


def test_a_list_has_a_digest_of_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OpList("another name", dict(reversed(LIST.traits.items()))).digest == LIST.digest
    for other in ({**LIST.traits, "Odd": STATEFUL}, {**LIST.traits, "New": PURE}, {"Add": PURE}):
        assert OpList(LIST.name, other).digest != LIST.digest
    before = LIST.digest
    monkeypatch.setattr(ops, "REFUSALS", ops.REFUSALS[1:])
    assert OpList(LIST.name, LIST.traits).digest != before


def test_what_an_operator_allows_besides_is_accepted_and_nothing_else() -> None:
    graph = graph_of("ReadFile", "Odd", "WriteFile", "Mine")
    besides = OpList(LIST.name, {**LIST.traits, "WriteFile": PURE}, frozenset({"ReadFile", "Odd", "Mine"}))
    assert [(each.op, each.why) for each in verdict.refusals(graph, besides)] == [
        ("WriteFile", "reads or writes files"),
        ("Mine", "Something 1.0 does not have"),  # no word can bring it
    ]


def test_a_workers_line_tells_what_it_allows_and_whether_its_rules_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, more = LIST, OpList(LIST.name, LIST.traits, frozenset({"ReadFile", "Odd"}))
    assert plain.text != more.text
    assert more.text.endswith(", allowing Odd,ReadFile")
    assert verdict.Published.of(plain.text) == (True, frozenset())
    assert verdict.Published.of(more.text) == (True, {"ReadFile", "Odd"})
    assert verdict.Published.of("TensorFlow 2.21.0 0123456789abcdef") == (False, frozenset())  # an older worker's
    said = more.text
    monkeypatch.setattr(ops, "REFUSALS", ops.REFUSALS[1:])
    assert verdict.Published.of(said) == (False, {"ReadFile", "Odd"})


def test_names_and_attributes_can_be_judged_by_who_has_no_tensorflow() -> None:
    found = verdict.refusals(graph_of("Add", "ReadFile", "Mine"), OpList("a worker", None))
    assert [(each.op, each.why) for each in found] == [
        ("ReadFile", "reads or writes files"),
        ("Mine", "nobody has reviewed yet"),
    ]


def listed() -> list[op_def_pb2.OpDef]:
    found = op_def_pb2.OpList()
    found.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    return list(found.op)


def test_tensorflows_list_is_all_of_its_ops() -> None:
    found = op_list()
    assert re.fullmatch(r"TensorFlow \d+\.\d+\.\S+", found.name)
    assert set(found.traits) == {op.name for op in listed()}
    assert (found.traits["ReadFile"].is_stateful, found.traits["RandomUniform"].is_stateful) == (False, True)
    assert "MyCustomOp" not in found.traits
    assert re.fullmatch(r"[0-9a-f]{64}", found.digest)


def test_which_ops_give_nothing_is_what_tensorflow_says() -> None:
    """Said without TensorFlow, so that the producer knows; a release with a new one is noticed here."""
    for op in listed():
        if ops.refusal(op.name) != "TensorFlow has for its own tests":
            assert gives_nothing(op.name) == (not op.output_arg), op.name
