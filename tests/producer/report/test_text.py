"""Nothing that a message says acts on the page that shows it."""

import pytest

from producer.report.text import decode, escape, plain, quote


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\" onload='x' &amp;", "&quot; onload=&#x27;x&#x27; &amp;amp;"),
        ("pay\u202egnp.exe", 'pay<span class="odd">U+202E</span>gnp.exe'),
        ("a\x00\x1b[31m", 'a<span class="odd">U+0000</span><span class="odd">U+001B</span>[31m'),
        ("fr\u00adee\u200b", 'fr<span class="odd">U+00AD</span>ee<span class="odd">U+200B</span>'),
        ("one\ntwo", 'one<span class="odd">⏎</span> two'),
        ("👩\u200d💻 نمی\u200cخواهم", "👩\u200d💻 نمی\u200cخواهم"),
        ("\ud800".encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), "\ufffd"),
    ],
)
def test_hostile_characters_are_named_and_joiners_stay(text: str, shown: str) -> None:
    assert escape(text) == shown
    assert "<" not in plain(text)


def test_bytes_that_are_no_utf8_are_shown_as_such() -> None:
    assert decode(b"caf\xe9 \xff") == r"caf\xe9 \xff"


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_character_cut_in_two_is_dropped(cut: int) -> None:
    whole = "é漢😀abc".encode()
    assert decode(whole[:cut], len(whole)) in "é漢😀abc"
    assert "\\x" not in decode(whole[:cut], len(whole))


def test_a_shortened_message_says_how_long_it_is() -> None:
    assert quote(b"abc", 1000) == '<bdi dir="auto">abc</bdi> <span class="odd">… 1,000 bytes</span>'
