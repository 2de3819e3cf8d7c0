"""Who enqueues hears which workers accept a model that needs an op allowed, before anything is enqueued."""

from pathlib import Path

import pytest

from graphs import messages
from graphs.errors import GraphError
from graphs.verdict import OpList, Refusal, Traits
from producer.graph import Graph, read_graph
from producer.pipeline.acceptance import check_accepted, who_accepts

TRAITS = {"ReadFile": Traits(False, False), "Placeholder": Traits(False, False)}
PLAIN = OpList("TensorFlow 2.21.0", TRAITS).text
MORE = OpList("TensorFlow 2.21.0", TRAITS, frozenset({"ReadFile"})).text
OTHER = OpList("TensorFlow 2.21.0", TRAITS, frozenset({"WriteFile"})).text
OLDER = "TensorFlow 2.18.0 0123456789abcdef"
WHICH = "node 'content' of m.pb is the op ReadFile, which reads or writes files"


@pytest.fixture
def spy(tmp_path: Path) -> Graph:
    graph_def = messages.parse(b"\x0a\x06\x0a\x01x\x12\x01x")
    del graph_def.node[:]
    name = graph_def.node.add(name="name", op="Placeholder")
    name.attr["dtype"].type = 7
    graph_def.node.add(name="content", op="ReadFile", input=["name"])
    path = tmp_path / "m.pb"
    path.write_bytes(graph_def.SerializeToString())
    return read_graph(path)


def test_the_producer_knows_what_any_worker_refuses(spy: Graph) -> None:
    assert spy.refused == (Refusal("content", "ReadFile", "reads or writes files"),)
    with pytest.raises(GraphError, match=r"m\.pb: refused: node 'content' is the op ReadFile, which reads or"):
        check_accepted(spy, frozenset({"WriteFile"}))
    check_accepted(spy, frozenset({"ReadFile"}))


@pytest.mark.parametrize("lines", [{PLAIN: ["a:1:1"]}, {PLAIN: ["a:1:1"], OTHER: ["b:1:1"]}])
def test_what_all_workers_refuse_is_not_enqueued(spy: Graph, lines: dict[str, list[str]]) -> None:
    with pytest.raises(GraphError, match="is the op ReadFile"):
        who_accepts(spy, lines)


def test_which_workers_accept_more_is_said(spy: Graph) -> None:
    said = who_accepts(spy, {PLAIN: ["a:1:1"], MORE: ["b:1:1", "c:1:1"]})
    assert (
        said == f"{WHICH}: only b:1:1, c:1:1 accept it (NIGHTSHIFT_ALLOW_OPS), and the other workers may fail the job"
    )
    assert who_accepts(spy, {MORE: ["b:1:1"]}) == f"{WHICH}: the workers accept it by their NIGHTSHIFT_ALLOW_OPS"
    assert who_accepts(spy, {}) == f"{WHICH}: only workers whose NIGHTSHIFT_ALLOW_OPS has it accept it"


def test_what_a_worker_with_other_rules_does_is_left_to_it(spy: Graph) -> None:
    assert who_accepts(spy, {OLDER: ["a:1:1"]}) is None
    assert who_accepts(spy, {OLDER: ["a:1:1"], PLAIN: ["b:1:1"]}) is None


def test_of_a_model_that_only_computes_nothing_is_said() -> None:
    shipped = read_graph(Path(__file__).parents[2] / "data" / "spam.pb")
    assert shipped.refused == ()
    assert who_accepts(shipped, {PLAIN: ["a:1:1"], MORE: ["b:1:1"]}) is None
