"""Checkpoints: which files there are, which are kept, what goes in and what comes back, and what a torn one says."""

import json
import shutil
import time
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model.checkpoints import checkpoint, partial, saving
from model.errors import ModelError
from tests.model.conftest import values
from tests.support.model_room import complaint, model, succeed

PARTS = (".data-00000-of-00001", ".index", ".meta")


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def files(*steps: int) -> set[str]:
    return {"checkpoint"} | {f"model.ckpt-{step}{part}" for step in steps for part in PARTS}


def train(labelled: Path, directory: Path, *options: object, steps: int = 8) -> str:
    """The files of a run of eight steps."""
    return succeed("train", labelled, "--checkpoints", directory, "--no-summaries", "--steps", steps, *options)


def test_a_checkpoint_is_four_files_with_the_step_in_their_names(labelled: Path, tmp_path: Path) -> None:
    assert train(labelled, tmp_path) == f"{tmp_path}/model.ckpt-8\n"
    assert names(tmp_path) == files(8)
    assert 'model_checkpoint_path: "model.ckpt-8"' in (tmp_path / "checkpoint").read_text()


def test_one_every_n_steps_and_the_newest_are_kept(labelled: Path, tmp_path: Path) -> None:
    train(labelled, tmp_path / "two", "--every", 2, "--keep", 2)
    assert names(tmp_path / "two") == files(6, 8)
    train(labelled, tmp_path / "all", "--every", 3, "--keep", 0)  # or: --keep all
    assert names(tmp_path / "all") == files(3, 6, 8)
    assert model("train", labelled, "--checkpoints", tmp_path / "no", "--keep", "few").exit_code == 2


def test_what_an_earlier_process_saved_makes_room_too(labelled: Path, tmp_path: Path) -> None:
    """Or a run that is stopped every night fills the disk."""
    train(labelled, tmp_path, "--every", 2, "--keep", 2, steps=4)
    train(labelled, tmp_path, "--every", 2, "--keep", 2, steps=8)
    assert names(tmp_path) == files(6, 8)


def test_now_and_then_one_is_kept_for_good(xy: v1.Session, tmp_path: Path) -> None:
    writer = saving.Writer(xy, tmp_path, saving.Policy(keep=1, keep_every_hours=1 / 3600))
    writer.save(0)
    time.sleep(1.1)
    for step in (1, 2, 3):
        writer.save(step)
    assert names(tmp_path) == files(1, 3)  # 1: the first after a second of training; 3: the newest


def test_the_graph_is_written_once_if_asked_and_found_again(labelled: Path, tmp_path: Path) -> None:
    """A large graph does not belong beside each of a thousand checkpoints."""
    train(labelled, tmp_path, "--every", 2, "--keep", 2, "--no-meta-graph")
    assert {name for name in names(tmp_path) if name.endswith(".meta")} == {"model.ckpt.meta"}
    succeed("freeze", tmp_path, "--output", tmp_path / "spam.pb")
    (tmp_path / "model.ckpt.meta").rename(tmp_path / "model.ckpt-2.meta")  # as Saver's write_meta_graph=False leaves it
    succeed("freeze", tmp_path / "model.ckpt-8", "--output", tmp_path / "spam.pb")


def test_only_the_variables_that_serve_are_saved_and_suffice_to_freeze(labelled: Path, tmp_path: Path) -> None:
    """A tenth of the size, for those who only ever score."""
    train(labelled, tmp_path / "whole")
    every = {row["name"] for row in json.loads(succeed("restore", tmp_path / "whole", "--json"))["variables"]}
    serving = sorted(name for name in every if name.endswith("_fixed"))
    train(labelled, tmp_path / "part", "--variables", ",".join(serving))
    assert sorted(values(tmp_path / "part" / "model.ckpt-8")) == serving
    for run in ("whole", "part"):
        succeed("freeze", tmp_path / run, "--output", tmp_path / f"{run}.pb")
    assert (tmp_path / "part.pb").read_bytes() == (tmp_path / "whole.pb").read_bytes()
    assert "is not a whole state of a training run" in complaint("train", labelled, "--checkpoints", tmp_path / "part")
    refused = model("train", labelled, "--checkpoints", tmp_path / "no", "--variables", "nope")
    assert refused.exit_code == 1
    assert "the graph has no variable 'nope'; it has" in refused.stderr.splitlines()[-1]


def test_a_variable_is_saved_under_another_name(xy: v1.Session, tmp_path: Path) -> None:
    prefix = saving.save(xy, tmp_path, 1, saving.Policy(variables={"offset": "b"}))
    assert checkpoint.variables(prefix) == [checkpoint.Variable("offset", "int32", ())]


def other_graph() -> v1.Session:
    with v1.Graph().as_default() as graph:
        for name, value in (("a", [1.0, 2.0]), ("b", 3), ("c", [5.0])):
            v1.get_variable(name, initializer=tf.constant(value))
    return v1.Session(graph=graph)


def test_some_are_restored_others_initialised_and_each_is_accounted_for(xy: v1.Session, tmp_path: Path) -> None:
    xy.run(v1.global_variables()[0].assign(42))
    prefix = saving.save(xy, tmp_path, 1)
    with other_graph() as session:
        assert partial.restore(session, prefix) == (
            [
                ("a", "a", False, "not in the checkpoint"),
                ("b", "b", True, ""),
                ("c", "c", False, "not in the checkpoint"),
            ],
            [],
        )
        assert [value.tolist() for value in session.run(session.graph.get_collection("variables"))] == [[1, 2], 42, [5]]

        outcome = partial.restore(session, prefix, {"b": "a"})
        assert outcome.rows[0] == ("a", "b", False, "int32 [] there, float32 [2] here")
        assert outcome.rows[1].why == "not asked for"
        assert outcome.unused == ["b"]
        assert session.run(session.graph.get_collection("variables")[1]) == 3  # anew
        with pytest.raises(ModelError, match="the graph has no variable 'z'; it has a, b, c"):
            partial.restore(session, prefix, ["z"])


def test_partly_restored_from_the_command_line(trained_checkpoint: str, tmp_path: Path) -> None:
    table = succeed("restore", trained_checkpoint, "--variables", "bias,weights", "--save", tmp_path)
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in table.splitlines()}
    assert rows["bias"] == "bias restored"
    assert rows["global_step"] == "initialised: not asked for"
    result, source = values(checkpoint.find(tmp_path)), values(trained_checkpoint)
    assert result["weights"] == source["weights"]
    assert int.from_bytes(result["global_step"], "little") == 0
    # OURS=THEIRS: from another name
    said = json.loads(succeed("restore", trained_checkpoint, "--variables", "bias=global_step,bias_fixed", "--json"))
    rows = {row["variable"]: row for row in said["variables"]}
    assert rows["bias"]["why"] == "int64 [] there, float32 [] here"
    assert rows["bias_fixed"]["restored"]


def test_a_checkpoint_is_found_by_directory_prefix_or_file(trained_checkpoint: str, tmp_path: Path) -> None:
    for place in (Path(trained_checkpoint).parent, trained_checkpoint, *(trained_checkpoint + part for part in PARTS)):
        assert checkpoint.find(Path(place)) == trained_checkpoint
    moved = tmp_path / "moved"
    shutil.copytree(Path(trained_checkpoint).parent, moved)
    assert checkpoint.find(moved) == str(moved / Path(trained_checkpoint).name)
    with pytest.raises(ModelError, match="no checkpoint in"):
        checkpoint.find(tmp_path)


@pytest.fixture
def two(xy: v1.Session, tmp_path: Path) -> Path:
    """A directory with the checkpoints 1 and 2."""
    writer = saving.Writer(xy, tmp_path / "two")
    writer.save(1)
    writer.save(2)
    return tmp_path / "two"


@pytest.mark.parametrize("part", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["missing", "empty", "torn", "flipped"])
def test_a_damaged_latest_is_an_error_that_names_the_whole_one_before(two: Path, part: str, damage: str) -> None:
    """Never an older model in silence."""
    file = two / f"model.ckpt-2{part}"
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "torn": content[: len(content) // 2], "flipped": content}[damage])
    line = complaint("freeze", two, "--output", two / "x.pb")
    assert f"{two}/model.ckpt-1 is whole: name it instead of {two}" in line
    succeed("freeze", two / "model.ckpt-1", "--output", two / "x.pb")


def test_a_damaged_note_of_the_latest_or_graph_is_an_error(two: Path) -> None:
    (two / "model.ckpt-2.meta").write_bytes(b"\xff" * 100)
    assert "model.ckpt-2.meta: it is torn" in complaint("freeze", two, "--output", two / "x.pb")
    (two / "checkpoint").write_text("")
    assert f"{two}/checkpoint is torn; {two}/model.ckpt-2 is whole" in complaint("restore", two)
    (two / "checkpoint").unlink()
    assert "name one, as in" in complaint("restore", two)
    assert "no checkpoint in" in complaint("restore", two / "nowhere")


def test_a_restored_graph_is_run_with_values_from_the_command_line(xy: v1.Session, tmp_path: Path) -> None:
    saving.save(xy, tmp_path, 1)
    words = ("restore", tmp_path, "--feed", "x=1,2,3", "--feed", "y=10,20,30", "--fetch", "op_to_store,b")
    assert succeed(*words) == "op_to_store  [11, 41, 91]\nb  1\n"
    assert json.loads(succeed(*words, "--json")) == {"op_to_store": [11, 41, 91], "b": 1}
    assert "'one' is no int32" in complaint("restore", tmp_path, "--feed", "x=one", "--fetch", "op_to_store")
    assert "the graph does not run" in complaint("restore", tmp_path, "--feed", "x=1", "--fetch", "op_to_store")
    assert model("restore", tmp_path, "--feed", "x=1").exit_code == 2
