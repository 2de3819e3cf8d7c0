"""What is found in a file is what somebody would see who opens it; where that is in doubt, it is asked."""

import pytest

from formats.csv.detect import InDoubtError, detect
from formats.csv.dialect import Dialect


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
