"""What `--model` is given when it is not a frozen graph: the answer is the command that makes it one."""

import subprocess
import sys
from pathlib import Path

import pytest

from graphs.errors import GraphError
from producer.graph import read_graph
from tests.support.poison import KILLING, RAISING, freeze


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A checkpoint and a SavedModel, as TensorFlow names their files; the producer does not look inside."""
    for name in (
        "my runs/checkpoint",
        "my runs/model.ckpt-700.index",
        "my runs/model.ckpt-700.meta",
        "my runs/model.ckpt-700.data-00000-of-00001",
        "bare/x.index",
        "exported/saved_model.pb",
        "exported/variables/variables.index",
        "empty/notes.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\x0a\x02ab")
    return tmp_path


@pytest.mark.parametrize(
    ("model", "kind", "freeze"),
    [
        ("my runs", "a directory of checkpoints", "my runs"),
        ("my runs/checkpoint", "part of a directory of checkpoints", "my runs"),
        ("my runs/model.ckpt-700", "a checkpoint", "my runs/model.ckpt-700"),
        ("my runs/model.ckpt-700.meta", "part of a checkpoint", "my runs/model.ckpt-700"),
        ("my runs/model.ckpt-700.index", "part of a checkpoint", "my runs/model.ckpt-700"),
        ("my runs/model.ckpt-700.data-00000-of-00001", "part of a checkpoint", "my runs/model.ckpt-700"),
        ("bare", "a directory of checkpoints", "bare"),
        ("exported", "a SavedModel", "exported"),
        ("exported/saved_model.pb", "a SavedModel", "exported"),
    ],
)
def test_a_checkpoint_or_saved_model_is_answered_with_the_command_that_freezes_it(
    files: Path, model: str, kind: str, freeze: str
) -> None:
    with pytest.raises(GraphError) as caught:
        read_graph(files / model)
    target = f"'{files / freeze}'" if " " in freeze else str(files / freeze)
    name = f"'{Path(freeze).name}.pb'" if " " in Path(freeze).name else f"{Path(freeze).name}.pb"
    assert str(caught.value) == (
        f"{files / model} is {kind}, not a frozen graph; this makes one: model freeze {target} --output {name}"
    )


def test_a_directory_of_something_else_is_only_that(files: Path) -> None:
    with pytest.raises(GraphError, match="is a directory, not a frozen graph"):
        read_graph(files / "empty")
    with pytest.raises(GraphError, match="No such file"):
        read_graph(files / "nowhere.pb")


def test_it_is_told_without_tensorflow(files: Path) -> None:
    script = """
import sys
from pathlib import Path
from graphs.errors import GraphError
from producer.graph import read_graph
try:
    read_graph(Path(sys.argv[1]))
except GraphError:
    assert "tensorflow" not in sys.modules
else:
    raise SystemExit(1)
"""
    subprocess.run([sys.executable, "-c", script, str(files / "exported")], check=True)


@pytest.mark.parametrize("kind", {**RAISING, **KILLING})
def test_the_outputs_are_those_that_the_model_room_sees(tmp_path: Path, kind: str) -> None:
    """Two readers of one graph, one of them without TensorFlow: checks and control inputs are no outputs to either."""
    from model.graph import frozen

    model = freeze(tmp_path / "model.pb", {**RAISING, **KILLING}[kind][0])
    seen = tuple(tensor.op.name for tensor in frozen.terminal_tensors(frozen.load(model.read_bytes())))
    assert read_graph(model).signature.terminal == seen
