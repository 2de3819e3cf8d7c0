"""A stranger's graph through real commands and workers: what to type, what comes out, and the same again."""

import json
import tomllib
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1

from tests.support.farm import Farm
from tests.support.tables import read


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Token ids [None, 4] and dropout_keep_prob, as the commonest text classifier of TensorFlow 1 has them; a loss."""
    path = tmp_path_factory.mktemp("model") / "cnn.pb"
    with v1.Graph().as_default() as graph:
        ids = v1.placeholder(tf.int32, [None, 4], name="input_x")
        keep = v1.placeholder(tf.float32, [], name="dropout_keep_prob")
        logits = tf.cast(tf.stack([tf.reduce_sum(ids, 1), tf.reduce_max(ids, 1)], axis=1), tf.float32) * keep
        tf.identity(logits, name="output/scores")
        labels = v1.placeholder(tf.float32, [None, 2], name="input_y")
        tf.reduce_mean(tf.square(labels - logits), name="loss")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "ids.csv"
    path.write_text(
        "id,ids,a,b,c,d\n" + "".join(f'{n},"[{n}, 2]",{n},2,0,0\n' for n in range(1, 40)) + "40,1 2 3 4 5,,1,1,1\n"
    )
    return path


SET = ("--set", "dropout_keep_prob=0.5")


def test_what_is_missing_is_said_in_the_words_to_type(farm: Farm, model: Path, table: Path) -> None:
    words: list[str] = []
    for said, more in (
        ("(of shape [-1, 4]: --feed input_x=A,B,C, f* or COLUMN[])", ["--feed", "input_x=a,b,c,d"]),
        ("one value for all records: --set dropout_keep_prob=1", ["--set", "dropout_keep_prob=1"]),
    ):
        run = farm.producer("enqueue", table, "--model", model, "--wait", *words)
        assert run.code == 1
        assert said in run.err
        words += more
    run = farm.producer("enqueue", table, "--model", model, "--wait", *words)
    assert run.code == 0, run.err
    rows = read(table.with_suffix(".scores.csv"))
    assert list(rows[0]) == ["id", "output/scores_0", "output/scores_1"], "a loss is no score, and wants no labels"
    assert (rows[0]["output/scores_0"], len(rows)) == ("3", 39)


def test_lists_names_and_columns_of_a_matrix(farm: Farm, model: Path, table: Path) -> None:
    words = ("--feed", "input_x=ids[]", *SET, "--fetch", "sum=output/scores[0],all=output/scores")
    run = farm.producer("enqueue", table, "--model", model, "--wait", "--json", *words)
    assert run.code == 0, run.err
    rows = read(table.with_suffix(".scores.csv"))
    assert rows[4] == {"id": "5", "sum": "3.5", "all_0": "3.5", "all_1": "2.5"}
    receipt = json.loads(run.out)
    assert receipt["codes"] == {"wrong_length": 1}
    [reject] = read(table.with_suffix(".scores.rejects.csv"))
    assert "has a list of 5 values, and the placeholder takes 4 (--truncate cuts it)" in reject["detail"]
    retried = farm.producer("retry", receipt["job"], "--truncate")
    assert retried.code == 0, retried.err
    assert read(table.with_suffix(".scores.csv"))[39] == {"id": "40", "sum": "5", "all_0": "5", "all_1": "2"}
    verified = farm.producer("verify", table.with_suffix(".scores.csv"))
    assert verified.code == 0, verified.err


def test_every_word_makes_another_job_and_the_same_words_the_same(farm: Farm, model: Path, table: Path) -> None:
    """A scores file is this job's, whatever lies there: the words belong to what a job is."""
    variants = [
        ("--feed", "input_x=ids[]", *SET),
        ("--feed", "input_x=a,b,c,d", *SET),
        ("--feed", "input_x=b,a,c,d", *SET),
        ("--feed", "input_x=ids[]", "--set", "dropout_keep_prob=1"),
        ("--feed", "input_x=ids[]", *SET, "--pad", "1"),
        ("--feed", "input_x=ids[]", *SET, "--truncate"),
        ("--feed", "input_x=a,b,c,d", *SET, "--fill", "9"),
        ("--feed", "input_x=ids[]", *SET, "--fetch", "x=output/scores"),
    ]
    output = table.with_suffix(".scores.csv")
    jobs, files = [], []
    for words in [*variants, *variants]:
        run = farm.producer("enqueue", table, "--model", model, "--wait", "--json", *words)
        assert run.code == 0, run.err
        jobs.append(json.loads(run.out)["job"])
        files.append(output.read_bytes())
    assert len(set(jobs)) == len(variants)
    assert (jobs[: len(variants)], files[: len(variants)]) == (jobs[len(variants) :], files[len(variants) :])
    assert len(set(files)) == 6, "nobody's cell is empty, and the order of a sum does not count"


def test_a_file_beside_the_model_says_the_words_and_the_command_line_wins(
    farm: Farm, model: Path, table: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.pb"
    own.write_bytes(model.read_bytes())
    text = '[feed]\ninput_x = ["a", "b", "c", "d"]\n[set]\ndropout_keep_prob = 1\n[fetch]\nsum = "output/scores[0]"\n'
    own.with_suffix(".toml").write_text(text)
    assert tomllib.loads(text)
    assert farm.producer("enqueue", table, "--model", own, "--wait").code == 0
    assert read(table.with_suffix(".scores.csv"))[0] == {"id": "1", "sum": "3"}
    assert farm.producer("enqueue", table, "--model", own, "--wait", *SET).code == 0
    assert read(table.with_suffix(".scores.csv"))[0] == {"id": "1", "sum": "1.5"}
    own.with_suffix(".toml").write_text("[feeds]\n")
    run = farm.producer("enqueue", table, "--model", own, "--wait")
    assert run.code == 1
    assert "own.toml says 'feeds'" in run.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--feed", "input_x"), "--feed 'input_x': PLACEHOLDER=COLUMN is wanted"),
        (("--feed", "nobody=a"), "no input 'nobody' that the outputs need; there are: 'input_x', 'dropout_keep_prob'"),
        (("--feed", "input_x=a", "--feed", "input_x=b"), "the placeholder 'input_x' has two --feed"),
        (("--feed", "input_x=a,b"), "takes 4 of them, and 2 columns are to feed it"),
        (("--feed", "input_x=z*"), "has no column matches 'z*'"),
        (("--feed", "input_x=a,b,c,d", "--fetch", "loss"), "the node 'loss' has no row a record"),
        (("--feed", "input_x=a,b,c,d", "--fetch", "output/scores[7]", *SET), "it has no column 7"),
        (("--feed", "input_x=a,b,c,d", "--fetch", "x=output/scores,x=input_x", *SET), "two columns named 'x'"),
    ],
)
def test_what_does_not_fit_is_one_line(farm: Farm, model: Path, table: Path, words: tuple[str, ...], said: str) -> None:
    run = farm.producer("enqueue", table, "--model", model, "--wait", *words)
    assert run.code == 1
    assert said in run.err
    assert "Traceback" not in run.err


def test_the_schedule_and_python_take_the_same_words(
    farm: Farm, model: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import producer

    words = ("--feed", "input_x=ids[]", *SET)
    night = farm.producer("nightly", str(table), "--model", model, "--once", "--settle", "0", "--json", *words)
    assert night.code == 0, night.err
    scored = table.with_suffix(".scores.csv").read_bytes()
    again = farm.producer("enqueue", table, "--model", model, "--wait", "--json", *words)
    assert json.loads(again.out)["attempts"] == json.loads(again.out)["batches"], "it was scored, and is not again"
    assert table.with_suffix(".scores.csv").read_bytes() == scored
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    with producer.enqueue(table, model=model, feed={"input_x": "ids[]"}, set={"dropout_keep_prob": 0.5}) as job:
        assert job.id == json.loads(again.out)["job"]
        job.wait()
        frame = job.scores()
    assert list(frame.columns) == ["id", "output/scores_0", "output/scores_1"]
    assert frame["output/scores_0"].iloc[0] == 1.5


def test_a_worker_with_another_list_of_ops_is_noticed(farm: Farm, tmp_path: Path) -> None:
    """What one worker accepts, it may refuse; so whoever enqueues hears of it. The other worker only says that it is
    there: it takes no batch."""
    table = tmp_path / "texts.csv"
    table.write_text("text\nhello\n")
    run = farm.producer("enqueue", table, "--wait", "--quiet")
    assert (run.code, "list" in run.err) == (0, False)
    farm.ledger.presence.greet("elsewhere:1:1", op_list="TensorFlow 2.9.0 0123456789abcdef")
    try:
        run = farm.producer("enqueue", table, "--again", "--wait", "--quiet")
    finally:
        farm.ledger.presence.leave("elsewhere:1:1")
    assert run.code == 0
    assert "the workers have different lists of ops" in run.err
    assert "elsewhere:1:1 has that of TensorFlow 2.9.0 0123456789abcdef" in run.err


def test_a_ragged_output_is_a_json_list_in_its_cell(farm: Farm, tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph:
        words = tf.strings.split(v1.placeholder(tf.string, [None], name="x"))
        tf.identity(words.flat_values, name="words/flat_values")
        tf.identity(words.row_splits, name="words/row_splits_0")
    (tmp_path / "split.pb").write_bytes(graph.as_graph_def().SerializeToString())
    table = tmp_path / "texts.csv"
    table.write_text('id,text\n1,"say ""hi"", you"\n2,\n3,\u00fcber\n', encoding="utf-8")
    run = farm.producer("enqueue", table, "--model", tmp_path / "split.pb", "--wait")
    assert run.code == 0, run.err
    rows = read(table.with_suffix(".scores.csv"))
    assert [json.loads(row["words"]) for row in rows] == [["say", '"hi",', "you"], [], ["\u00fcber"]]
    run = farm.producer("enqueue", table, "--model", tmp_path / "split.pb", "--wait", "--fetch", "w=words[0]")
    assert (run.code, "is ragged: it has no column 0" in run.err) == (1, True)
    run = farm.producer("verify", table.with_suffix(".scores.csv"))
    assert run.code == 0, run.err
