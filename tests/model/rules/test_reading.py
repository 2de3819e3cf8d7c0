"""Whatever is wrong with a file of rules is said in one line that names the line of the file."""

from pathlib import Path

import pytest

from model.errors import ModelError
from model.rules import joining, reading

GOOD = "[[deny]]\nname = 'a'\nphrases = ['free']\n"
WRONG = {
    "not TOML": ("[[deny]]\nname = \n", "line 2: not TOML"),
    "an unknown table": (f"{GOOD}[[block]]\nname = 'b'\n", "line 4: 'block' is none of [thresholds], [[allow]]"),
    "one bracket": ("\n[deny]\nname = 'a'\n", "line 2: a rule is a table [[deny]], with two brackets"),
    "no name": (f"{GOOD}\n[[deny]]\nphrases = ['x']\n", "line 5: a rule needs a name"),
    "a name of two lines": ("[[deny]]\nname = \"a\\nb\"\nphrases = ['x']\n", "line 1: a rule's name is a text in one"),
    "a name twice": (f"{GOOD}[[allow]]\nname = 'a'\nphrases = ['x']\n", "line 1: a second rule is called 'a'"),
    "an unknown key": ("[[deny]]\nname = 'a'\nphrase = ['x']\n", "line 1: the rule 'a' has 'phrase'; it may have"),
    "points of a list": ("[[deny]]\nname = 'a'\npoints = 1\nphrases = ['x']\n", "line 1: the rule 'a' has 'points'"),
    "no list": ("\n\n[[deny]]\nname = 'a'\n", "line 3: the rule 'a' has none of senders, domains, urls"),
    "a list that is none": ("[[deny]]\nname = 'a'\nphrases = 'x'\n", "line 1: phrases is a list of texts"),
    "an output as column": (
        "[[deny]]\nname = 'a'\ncolumn = 'score'\nphrases = ['x']\n",
        "line 1: the rule 'a': 'score' is no column that a graph can take",
    ),
    "a column with a blank": ("[[deny]]\nname = 'a'\ncolumn = 'the text'\nphrases = ['x']\n", "is no column"),
    "no points": ("[[points]]\nname = 'a'\nphrases = ['x']\n", "line 1: the rule 'a': points are a number"),
    "too many points": ("[[points]]\nname = 'a'\npoints = 31\nphrases = ['x']\n", "at most 30 either way, not 31"),
    "points of nothing": ("[[points]]\nname = 'a'\npoints = 0.001\nphrases = ['x']\n", "not 0.001"),
    "points that are none": ("[[points]]\nname = 'a'\npoints = nan\nphrases = ['x']\n", "not nan"),
    "a threshold that is none": ("[thresholds]\nspam = 9\n", "line 1: spam is a score from 0 to 1, not 9"),
    "thresholds crossed": ("[thresholds]\nspam = 0.4\nreview = 0.6\n", "line 1: review, 0.6, is above spam, 0.4"),
    "an unknown threshold": ("[thresholds]\nblock = 0.4\n", "line 1: [thresholds] has spam and review"),
    "a URL as domain": ("[[deny]]\nname = 'a'\ndomains = [\n'a.example',\n'b.example/c'\n]\n", "line 5: 'b.example/c'"),
    "a word as domain": ("[[deny]]\nname = 'a'\ndomains = ['com']\n", "line 3: 'com' is no domain: a domain is names"),
    "an address as domain": ("[[deny]]\nname = 'a'\ndomains = ['a@b.example']\n", "it has an '@'"),
    "no URL": ("[[deny]]\nname = 'a'\nurls = ['/prize']\n", "line 3: '/prize' is no url: a URL is a host and a path"),
    "an empty phrase": ("[[deny]]\nname = 'a'\nphrases = [' ']\n", "line 3: ' ' is no phrase: it is empty"),
    "every sender": ("[[allow]]\nname = 'a'\nsenders = ['*@*']\n", "'*@*' is no sender: it would be every sender"),
    "a list that is not there": ("[[allow]]\nname = 'a'\nsenders_file = 'none.txt'\n", "line 3: there is no file"),
}  # fmt: skip
NO_EXPRESSION = {
    "a bracket": ("'fine'", "'a(b'", "missing )"),
    "a bracket too many": ("'fine'", "'a)(b'", "unexpected )"),
    "look-ahead": ("'fine'", "'a(?=b)'", "invalid perl operator"),
    "a reference back": ("'fine'", r"'(a)\1'", "invalid escape sequence"),
    "nothing to repeat": ("'fine'", "'*a'", "no argument for repetition operator"),
    "too much to repeat": ("'fine'", "'(a{1000}){1000}'", "invalid repetition size"),
    "a quote that never ends": ("'fine'", r"'\Qa'", "missing )"),
}


def write(folder: Path, text: str) -> Path:
    place = folder / "rules.toml"
    place.write_text(text, encoding="utf-8")
    return place


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_its_line(case: str, tmp_path: Path) -> None:
    text, complaint = WRONG[case]
    with pytest.raises(ModelError) as error:
        reading.read(write(tmp_path, text))
    assert complaint in str(error.value)
    assert "rules.toml" in str(error.value) or "none.txt" in str(error.value)


@pytest.mark.parametrize("case", NO_EXPRESSION)
def test_a_bad_pattern_is_named_with_its_line(case: str, tmp_path: Path) -> None:
    good, bad, why = NO_EXPRESSION[case]
    text = f"[[deny]]\nname = 'a'\npatterns = [\n  {good},  # not 'a(b'\n  {bad},\n]\n"
    with pytest.raises(ModelError) as error:
        joining.join(reading.read(write(tmp_path, text)))
    assert "rules.toml, line 5: the pattern" in str(error.value)
    assert why in str(error.value)


def test_the_line_is_that_of_the_rule_even_if_others_have_the_same_text(tmp_path: Path) -> None:
    text = (
        "# domains = ['com']\n[[deny]]\nname = 'first'\nphrases = ['com']\n"
        "[[allow]]\nname = 'other'\nphrases = ['''\ncom''']\n"
        '[[deny]]\nname = "second"\ndomains = ["ok.example",\n"c\\u006fm"]\n'
    )
    with pytest.raises(ModelError, match="line 12: 'com' is no domain"):
        reading.read(write(tmp_path, text))


def test_an_entry_of_a_list_beside_it_is_named_with_that_files_line(tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text("# hosts\n\nok.example\nnot a host\n")
    with pytest.raises(ModelError, match=r"hosts\.txt, line 4: 'not a host' is no domain"):
        reading.read(write(tmp_path, "[[deny]]\nname = 'a'\ndomains_file = 'hosts.txt'\n"))


def test_lists_in_the_file_and_beside_it_are_one_list(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("\ufeffB@x.example\r\n# no\r\nc@x.example\r\n", encoding="utf-8")
    (tmp_path / "two.txt").write_text("a@x.example\nd@x.example")
    text = "[[deny]]\nname = 'a'\nsenders = ['A@x.example']\nsenders_file = ['one.txt', 'two.txt']\n"
    [rule] = reading.read(write(tmp_path, text)).policy.rules
    assert rule.senders == ("a@x.example", "b@x.example", "c@x.example", "d@x.example")


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    place = tmp_path / "rules.toml"
    place.write_bytes(b"[[deny]]\nname = '\xff'\n")
    with pytest.raises(ModelError, match="line 2: not UTF-8"):
        reading.read(place)


def test_rules_come_in_the_order_in_which_they_count(tmp_path: Path) -> None:
    names = [("points", "p1"), ("deny", "d1"), ("allow", "a1"), ("deny", "d2"), ("points", "p2"), ("allow", "a2")]
    more = {"points": "points = 1\n", "allow": "", "deny": ""}
    text = "".join(f"[[{kind}]]\nname = '{name}'\nphrases = ['x']\n{more[kind]}" for kind, name in names)
    policy = reading.read(write(tmp_path, text)).policy
    assert [rule.name for rule in policy.rules] == ["a1", "a2", "d1", "d2", "p1", "p2"]
