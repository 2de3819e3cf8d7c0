"""What is found in a file is what somebody would see who opens it; where that is in doubt, it is asked."""

from pathlib import Path

import pytest

from formats.csv.detect import InDoubtError, detect
from formats.csv.dialect import Dialect
from tests.formats.everyday import outcomes


def found(text: str) -> Dialect:
    return detect("in.csv", text.encode(), True, {})


def test_a_text_that_begins_with_a_hashtag_is_not_dropped_as_a_comment() -> None:
    """It has surplus fields, as other broken records have: a comment would be neither scored nor rejected."""
    with pytest.raises(InDoubtError, match="'#free, free, free,spam'") as error:
        found("text,label\nhello,ham\n#free, free, free,spam\nbye,ham\n")
    assert "(--comment '#')" in str(error.value)
    assert "(--comment '')" in str(error.value)
    said = detect("in.csv", b"text,label\nhello,ham\n#free, free, free,spam\nbye,ham\n", True, {"comment": ""})
    assert said == Dialect()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_comments_are_found_whatever_ends_the_lines(end: str) -> None:
    assert found(end.join(["# made, today", "id;text", "1;a", "# and so on", "2;b", ""])) == Dialect(
        delimiter=";", comment="#"
    )


def test_the_option_for_comments_is_named_where_other_things_are_in_doubt_too() -> None:
    with pytest.raises(InDoubtError, match="--delimiter ';' --comment '#' reads"):
        found("# what it is\n1;2;3\n# more\n1;2\n1;2;3\n")


def test_a_line_ends_where_the_reader_says_so() -> None:
    """A form feed or a U+2028 in a title ends no line, though str.splitlines says so."""
    text = "a title\u2028of two \x0c pages\nid;text\n1;a\n2;b\n"
    with pytest.raises(InDoubtError, match="--delimiter ';' --skip-lines 1 reads"):
        found(text)
    assert detect("in.csv", text.encode(), True, {"skip_lines": 1}) == Dialect(delimiter=";", skip_lines=1)


@pytest.mark.parametrize("first", ["!", ";;", "---;==="])
def test_what_has_no_letter_may_be_no_name(first: str) -> None:
    with pytest.raises(InDoubtError, match="--no-header"):
        found("\n".join([first, *[";".join("abc"[: first.count(";") + 1])] * 3, ""]))


@pytest.mark.parametrize("tables", [300, pytest.param(6000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_tables_as_people_have_them_are_read_right_or_asked(tmp_path: Path, tables: int) -> None:
    """Wrong are those that nobody can tell: an encoding of which a whole file has two letters."""
    wrong = {seed: found for seed, _, found in outcomes(range(tables), tmp_path) if found.startswith("wrong")}
    assert all("for" in found and "windows-1252" in found.partition(" for ")[0] for found in wrong.values()), wrong
    assert len(wrong) <= tables // 500


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("text\nhello, you\nwell\n", "--delimiter ';' reads ['text'] / ['hello, you']"),
        ("Messages of the day\n" + "text,label\n" + "hello,ham\n" * 40, "--skip-lines 1 reads"),
        ("# id,text\n1,hello\n2,you\n", "(--comment '#') or not (--comment '')"),
        ("id,text\n" + '1,he said \\"hi\\"\n' * 3, "--escape '\\' reads"),
        ("Please come home, Anna!;ham\nOn my way.;ham2\n", "(--header) or not (--no-header)"),
    ],
)
def test_what_would_lose_or_alter_a_record_is_asked(text: str, options: str) -> None:
    """A header of one field above texts with commas; a title above many records; a comment that may be the header;
    backslashes that may belong to the text; messages where the names would be."""
    with pytest.raises(InDoubtError) as error:
        found(text)
    assert options in str(error.value)


def test_records_without_their_text_are_rejects_and_no_question() -> None:
    assert found("id,text\n1\n2\n") == Dialect()


def test_texts_that_count_on_are_no_names() -> None:
    assert found("m0001,hello there\nm0002,you\nm0003,well\n") == Dialect(header=False)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Gdańsk, łódź", "cp1250"), ("Gdańsk, łódź", "iso8859-2"), ("Jürgen, José", "cp850"),
        ("Jürgen, José", "mac-roman"), ("está válida", "gb18030"), ("27,78 €é", "gb18030"), ("Привет", "cp1251"),
    ],
)  # fmt: skip
def test_what_is_no_windows_1252_is_asked(text: str, encoding: str) -> None:
    with pytest.raises(InDoubtError, match="--encoding"):
        detect("in.csv", f'id,text\n1,"{text}"\n'.encode(encoding), True, {})


@pytest.mark.parametrize(
    "text", ["l’été à 9–5 “oui” «né»", "¿Qué? ¡No! 20 °C, 5€", "Straße, Jürgen & Søren’s", "naïve—déjà…vu"]
)
def test_western_texts_are_windows_1252(text: str) -> None:
    assert detect("in.csv", f'id,text\n1,"{text}"\n'.encode("cp1252"), True, {}) == Dialect(encoding="cp1252")
