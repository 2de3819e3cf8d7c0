"""The `model` command as a user types it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tensorflow.compat import v1

from tests.support.model_room import model


def test_help_names_each_command_with_an_example_and_imports_no_tensorflow() -> None:
    script = """
import sys
from click.testing import CliRunner
from model.cli import main
for name, command in main.commands.items():
    result = CliRunner().invoke(main, [name, "--help"])
    example = result.output.split("Options:")[0].partition("\\n")[2]
    assert result.exit_code == 0 and f"  model {name} " in example, result.output
overview = CliRunner().invoke(main, ["--help"]).output
assert all(f"  {name} " in overview for name in main.commands), overview
assert "tensorflow" not in sys.modules and "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_from_labelled_messages_to_scores(labelled: Path, tmp_path: Path) -> None:
    result = model("train", labelled, "--checkpoints", tmp_path / "checkpoints", "--epochs", 5, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["messages"], report["spam"], report["steps"]) == (100, 40, 10)
    assert "training: 10/10 steps" in result.stderr

    pb = tmp_path / "spam.pb"
    result = model("freeze", tmp_path / "checkpoints", "--output", pb)
    assert result.stdout == f"{hashlib.sha256(pb.read_bytes()).hexdigest()}  {pb}\n"

    result = model(
        "restore", tmp_path / "checkpoints", "--text", "claim your free prize", "--text", "home by six", "--json"
    )
    spam, ham = json.loads(result.stdout)
    assert spam["score"] > 0.5 > ham["score"]
    listed = json.loads(model("restore", tmp_path / "checkpoints", "--json").stdout)["variables"]
    assert {"name": "bias", "dtype": "float32", "shape": []} in listed
    assert "weights" in model("restore", tmp_path / "checkpoints").stdout

    result = model("evaluate", pb, labelled, "--json")
    figures = json.loads(result.stdout)
    assert (figures["messages"], figures["true_positives"] + figures["false_negatives"]) == (100, 40)
    assert figures["accuracy"] > 0.95
    assert "accuracy" in model("evaluate", pb, labelled).stdout


def test_folds_measure_and_save_nothing(labelled: Path) -> None:
    result = model("train", labelled, "--folds", 2, "--steps", 5, "--json")
    assert json.loads(result.stdout)["messages"] == 100
    assert "cross-validating: 10/10 steps" in result.stderr


def test_inspect_says_what_to_feed_and_what_comes_out(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph:
        v1.identity(v1.placeholder(v1.int32, name="x") * v1.placeholder(v1.int32, [None, 2], name="y"), name="z")
    path = tmp_path / "xy.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())

    found = json.loads(model("inspect", path, "--json").stdout)
    assert found["placeholders"] == [
        {"name": "x", "dtype": "int32", "shape": None},
        {"name": "y", "dtype": "int32", "shape": [-1, 2]},
    ]
    assert [each["name"] for each in found["outputs"]] == ["z"]
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (found["nodes"], found["refused"]) == (4, [])
    assert (
        "x      int32  unknown  the column x, or x_0, x_1 ..., or --feed x=COLUMN, A,B,C, f* or COLUMN[]"
        in model("inspect", path).stdout
    )


def test_inspect_shows_why_a_worker_would_refuse(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph:
        v1.read_file("secret", name="peek")
    path = tmp_path / "bad.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())

    assert json.loads(model("inspect", path, "--json").stdout)["refused"] == [
        {"node": "peek", "op": "ReadFile", "why": "reads or writes files"}
    ]
    assert "refused: peek is the op ReadFile, which reads or writes files" in model("inspect", path).stdout


@pytest.mark.parametrize(
    "command", [["inspect", "FILE"], ["evaluate", "FILE", "FILE"], ["freeze", "FILE", "--output", "o.pb"]]
)
def test_failures_are_one_line_and_exit_1(command: list[str], labelled: Path) -> None:
    result = model(*[labelled if each == "FILE" else each for each in command])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("model: ")
    assert result.stderr.count("\n") == 1


def test_too_few_messages_for_the_folds_is_said(labelled: Path) -> None:
    result = model("train", labelled, "--folds", 50)
    assert (result.exit_code, result.stderr) == (
        1,
        "model: 50 folds need as many messages of each label; one label has 40\n",
    )


@pytest.mark.parametrize(
    "arguments", [["train", "FILE"], ["train", "FILE", "--folds", 5, "--checkpoints", "d"], ["inspect", "x"]]
)
def test_wrong_usage_exits_2(arguments: list[str], labelled: Path) -> None:
    assert model(*[labelled if each == "FILE" else each for each in arguments]).exit_code == 2
