"""`model rules` as a user types it, and what `model inspect` says of its result."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.cli import main
from model.graph import frozen
from model.rules import stored
from tests.support import ROOT
from tests.support.model_room import complaint, model, succeed

RULES = """
[thresholds]
spam = 0.9
[[allow]]
name = "friends"
senders = ["mum@example.org"]
[[deny]]
name = "prizes"
phrases = ["free prize"]
patterns = ['win\\d']
"""
SHIPPED = ROOT / "data" / "spam.pb"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    place = tmp_path / "rules.toml"
    place.write_text(RULES)
    return place


def test_from_a_file_of_rules_to_a_graph_that_says_what_is_in_it(rules: Path, tmp_path: Path) -> None:
    output = tmp_path / "guarded.pb"
    result = model("rules", rules, "--on", SHIPPED, "--output", output)
    assert result.exit_code == 0, result.stderr
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    assert result.stdout.splitlines()[-1] == f"{digest}  {output}"

    shown = model("inspect", output).stdout
    assert "accepted by a worker" in shown
    assert "rules: allow before deny before score; spam from 0.9\n" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith(("friends", "prizes"))] == [
        ["friends", "allow", "sender", "1", "sender"],
        ["prizes", "deny", "text", "1", "phrase,", "1", "pattern"],
    ]
    found = json.loads(model("inspect", output, "--json").stdout)
    assert [rule["name"] for rule in found["rules"]["rules"]] == ["friends", "prizes"]
    assert found["rules"]["rules"][1]["patterns"] == ["win\\d"]
    assert found["sha256"] == digest
    assert [each["name"] for each in found["outputs"]] == ["score", "verdict", "rule"]
    assert json.loads(model("inspect", SHIPPED, "--json").stdout)["rules"] is None


def test_what_a_stranger_calls_a_policy_is_shown_harmless_or_not_at_all(rules: Path, tmp_path: Path) -> None:
    output = tmp_path / "guarded.pb"
    model("rules", rules, "--on", SHIPPED, "--output", output)
    graph_def = frozen.parse(output.read_bytes())
    [node] = [node for node in graph_def.node if node.name == stored.NODE]
    good = json.loads(node.attr["value"].tensor.string_val[0])

    def shown(content: bytes) -> str:
        node.attr["value"].tensor.string_val[0] = content
        output.write_bytes(graph_def.SerializeToString())
        result = model("inspect", output)
        assert result.exit_code == 0, result.output
        return result.stdout

    no_rule = b'{"format":1,"spam":1,"review":null,"rules":[{"name":3}]}'
    for bad in (b"", b"\xff", b"[]", b'{"format": 1}', no_rule, b"[" * 9999):
        assert "rules:" not in shown(bad)
    for change in ({"kind": "both"}, {"points": "1"}, {"phrases": 3}, {"phrases": [3]}, {"odd": 1}, {"name": ["x"]}):
        bad_rules = [{**good["rules"][0], **change}]
        assert "rules:" not in shown(json.dumps({**good, "rules": bad_rules}).encode())
    good["rules"][0]["name"] = "\x1b[2Jx"
    assert "\\x1b[2Jx" in shown(json.dumps(good).encode())


def test_expectations_that_fail_are_named_and_nothing_is_written(rules: Path, tmp_path: Path) -> None:
    cases, output = tmp_path / "cases.csv", tmp_path / "guarded.pb"
    cases.write_text(
        "text,sender,verdict,rule\n"
        "a free prize,x,spam,prizes\n"
        '"two\nlines",x,ham,\n'
        "free prize,mum@example.org,spam,\n"
        "win7,x,,friends\n"
    )
    result = model("rules", rules, "--test", cases, "--on", SHIPPED, "--output", output)
    assert result.exit_code == 1
    assert f"{cases}, line 5: expected spam by no rule, and got ham by 'friends', score " in result.stderr
    assert f"{cases}, line 6: expected spam by 'friends', and got spam by 'prizes', score " in result.stderr
    assert "2 of 4 expectations hold" in result.stderr
    assert not output.exists()
    found = json.loads(model("rules", rules, "--test", cases, "--json").stdout)
    assert [each["line"] for each in found["failed"]] == [5, 6]
    assert (found["cases"], found["columns"], found["sha256"]) == (4, ["text", "sender"], None)


def test_expectations_may_be_of_the_models_own_scores(rules: Path, tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    spam = "WIN cash now! Claim your FREE bonus, call 09061701461 or text CLAIM to 87121"
    cases.write_text(f'text,sender,score,verdict\n"{spam}",x,,spam\n"{spam}",x,0.2,ham\nhome by six,x,,ham\n')
    assert model("rules", rules, "--on", SHIPPED, "--test", cases).exit_code == 0
    alone = model("rules", rules, "--test", cases)
    assert alone.exit_code == 1
    assert "2 of 3 expectations hold" in alone.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("text,verdict\nx,ham\n", "has no column 'sender' in its header"),
        ("text,sender\nx,y\n", "expects nothing: it has neither a column 'verdict' nor a column 'rule'"),
        ("text,sender,verdict\nx,y,good\n", "line 2: the verdict is 'good', not ham, review, spam"),
        ("text,sender,rule\nx,y,\nx,y,prize\n", "line 3: no rule is called 'prize'"),
        ("text,sender,rule,score\nx,y,,high\n", "line 2: the score is 'high', not a number"),
        ("text,sender,rule\nx,y\n", "line 2: 2 values, and the header has 3"),
        ('text,sender,rule\nx,y,\n"x,y,\n', "line 3: unexpected end of data"),
        ("text,sender,rule\n", "cases.csv expects nothing: no row follows its header"),
        ("\n", "cases.csv is empty: it needs a header, with text, and verdict or rule"),
    ],
)
def test_a_table_of_expectations_that_is_none_is_named_with_its_line(
    content: str, complaint: str, rules: Path, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text(content)
    result = model("rules", rules, "--test", cases)
    assert result.exit_code == 1
    assert complaint in result.stderr


def test_a_pattern_that_is_slow_or_matches_everything_is_named_in_a_warning(tmp_path: Path) -> None:
    place = tmp_path / "rules.toml"
    place.write_text("[[deny]]\nname = 'a'\npatterns = [\n'fine',\n'\\pL{40}',\n'x*',\n'(?i)fre+ {1,3}prize',\n]\n")
    result = model("rules", place)
    assert result.exit_code == 0
    said = [line for line in result.stderr.splitlines() if line.startswith("model: ")]
    assert len(said) == 2
    assert f"{place}, line 5: the pattern '\\\\pL{{40}}' is slow" in said[0]
    assert said[1] == f"model: {place}, line 6: the pattern 'x*' matches every message"


def test_an_output_needs_a_model(rules: Path, tmp_path: Path) -> None:
    result = model("rules", rules, "--output", tmp_path / "x.pb")
    assert result.exit_code == 2
    assert "--output needs --on" in result.stderr


def test_what_a_graph_is_made_of_is_not_overwritten_by_it(rules: Path, tmp_path: Path) -> None:
    spam, cases, again = tmp_path / "spam.pb", tmp_path / "cases.csv", tmp_path / "again.toml"
    spam.write_bytes(SHIPPED.read_bytes())
    cases.write_text("text,sender,verdict\nx,y,ham\n")
    again.symlink_to(rules)
    before = {each: each.read_bytes() for each in (rules, spam, cases)}
    for output in (rules, spam, cases, again):
        line = complaint("rules", rules, "--on", spam, "--test", cases, "--output", output)
        assert line == f"model: {output} is what it would be made of; write to another file"
    assert {each: each.read_bytes() for each in before} == before


def test_an_output_that_cannot_be_written_is_said_before_the_work(rules: Path, tmp_path: Path) -> None:
    output = tmp_path / "none" / "guarded.pb"
    line = complaint("rules", rules, "--on", SHIPPED, "--output", output)
    assert line == f"model: cannot write {output}: there is no folder {output.parent}"
    line = complaint("rules", rules, "--on", SHIPPED, "--output", tmp_path)
    assert line == f"model: {tmp_path}: it is no regular file, and is left alone"


def test_the_same_command_again_replaces_its_graph(rules: Path, tmp_path: Path) -> None:
    output = tmp_path / "guarded.pb"
    for _ in range(2):
        succeed("rules", rules, "--on", SHIPPED, "--output", output)
    line = complaint("rules", rules, "--on", output, "--output", tmp_path / "twice.pb")
    assert "take the model without any rules" in line


def test_a_file_that_says_nothing_is_taken_with_a_word(tmp_path: Path) -> None:
    """It may be a file that was cut off, or the wrong one."""
    place = tmp_path / "rules.toml"
    place.write_text("# to be written\n")
    result = model("rules", place)
    assert result.exit_code == 0
    assert result.stderr == f"model: {place} has neither rules nor thresholds: spam is what scores 0.5 or more\n"
    place.write_text("[thresholds]\nspam = 0.9\n")
    assert model("rules", place).stderr == ""


def test_a_list_that_is_missing_is_named_with_the_line_that_names_it(tmp_path: Path) -> None:
    place = tmp_path / "rules.toml"
    place.write_text("[[deny]]\nname = 'a'\nsenders_file = [\n  'senders.txt',\n]\n")
    assert complaint("rules", place) == f"model: {place}, line 4: there is no file {tmp_path / 'senders.txt'}"


def test_one_entry_is_one(tmp_path: Path) -> None:
    place = tmp_path / "rules.toml"
    place.write_text("[[deny]]\nname = 'a'\ndomains = ['bit.ly']\n")
    assert model("rules", place).stderr.startswith("text: 1 domain in one pass, ")


def test_the_help_fits_a_terminal_of_eighty_columns() -> None:
    for command in ("rules", "corpus"):
        shown = CliRunner().invoke(main, [command, "--help"], terminal_width=80).stdout
        assert max(map(len, shown.splitlines())) <= 80, shown
