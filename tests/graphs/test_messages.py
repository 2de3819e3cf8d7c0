"""A GraphDef is read by protobuf alone, and says what TensorFlow's own class says."""

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1

from graphs import inputs, messages, outputs, tables, walk
from graphs.errors import GraphError
from tests.support import ROOT

SHIPPED = ROOT / "data" / "spam.pb"


def with_functions() -> v1.GraphDef:
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        inner = tf.function(lambda each: each * 2.0)
        tf.identity(tf.function(lambda each: inner(each) + 1.0)(x), name="score")
        tf.cond(x[0, 0] > 0, lambda: x, lambda: -x)
    return graph.as_graph_def()


@pytest.mark.parametrize("graph_def", [v1.GraphDef.FromString(SHIPPED.read_bytes()), with_functions()])
def test_both_classes_say_the_same(graph_def: v1.GraphDef) -> None:
    ours = messages.parse(graph_def.SerializeToString())
    assert ours.versions.producer == graph_def.versions.producer
    assert walk.inputs(ours) == walk.inputs(graph_def)
    assert inputs.placeholders(ours) == inputs.placeholders(graph_def)
    assert outputs.terminal(ours) == outputs.terminal(graph_def)
    assert [(where, node.name) for where, node in walk.every(ours)] == [
        (where, node.name) for where, node in walk.every(graph_def)
    ]
    of_ours, of_theirs = (walk.needed_by(each, ["score:0"]) for each in (ours, graph_def))
    assert [node.name for node in of_ours.every()] == [node.name for node in of_theirs.every()]
    assert [each.signature.name for each in of_ours.functions] == [each.signature.name for each in of_theirs.functions]
    assert tables.written_by_records(ours) == []


def test_reading_changes_nothing() -> None:
    """To ask a message for an attribute that it lacks would add it, and change the digest of what is written."""
    graph_def = with_functions()
    before = graph_def.SerializeToString(deterministic=True)
    inputs.placeholders(graph_def)
    outputs.terminal(graph_def)
    walk.needed_by(graph_def, ["score"])
    tables.written_by_records(graph_def)
    assert graph_def.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    "data", [b"", b"message_id,text\n1,hello\n", b"\xff" * 1000, SHIPPED.read_bytes()[: SHIPPED.stat().st_size // 2]]
)
def test_other_bytes_are_no_graph(data: bytes) -> None:
    with pytest.raises(GraphError, match="are no GraphDef"):
        messages.parse(data)


def test_the_room_needs_neither_tensorflow_nor_numpy() -> None:
    modules = [path.stem for path in (ROOT / "graphs").glob("*.py") if path.stem != "__init__"]
    assert len(modules) > 8
    script = f"""
import sys
{"; ".join(f"import graphs.{name}" for name in modules)}
from graphs import messages, outputs
print(outputs.terminal(messages.parse(open(sys.argv[1], "rb").read())))
print(sorted({{"tensorflow", "numpy", "pyarrow", "celery", "redis"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(Path(SHIPPED))], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines() == ["['score']", "[]"]
