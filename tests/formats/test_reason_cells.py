"""Reasons in a cell of a scores file: people read them, and programs get back what was in the text."""

from hypothesis import example, given
from hypothesis import strategies as st

from formats.reason_cells import Reason, cell, parse

_ODD = [b"; ", b";", b"\\", b"rule:", b" ", b"\n", b"\\x3b", b"+1.00", b"\xff", "é\u200b\u0085".encode()]
PIECES = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.text(min_size=1, max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(st.sampled_from(_ODD), min_size=1).map(b"".join),
)
RULES = st.text(min_size=1, max_size=9).filter(str.isprintable)


@given(pieces=st.lists(PIECES, max_size=4), rules=st.lists(RULES, max_size=2))
@example(pieces=[b"rule:a; b +1.00"], rules=["a; b deny", "\\x3b"])
def test_whatever_is_in_a_text_is_read_back(pieces: list[bytes], rules: list[str]) -> None:
    """But for the blanks around a piece, and a piece of blanks, which is read back as it is."""
    names: list[tuple[str, float | str]] = [(name, "deny" if len(name) % 2 else -0.25) for name in rules]
    found = cell(pieces, [150] * len(pieces), names)
    stripped = [piece.strip(b"\t\n\v\f\r ") or piece for piece in pieces]
    assert parse(found) == [*(Reason(*each) for each in names), *(Reason(piece, 1.5) for piece in stripped)]
    assert parse(found.decode()) == parse(found), "the cell is UTF-8"
    assert found.decode().isprintable() or not any(each in found for each in b"\n\r\t\0\x1b"), "on one line"


def test_a_cell_reads_as_the_documentation_has_it() -> None:
    pieces = [b"FREE prize ", b"claim; now", b"\xff\xfe", "무료".encode(), b"  "]
    found = cell(pieces, [231, 170, -80, 1, 100], [("known hosts", "deny"), ("urgent", 1.0)])
    assert found.decode() == (
        "rule:known hosts deny; rule:urgent +1.00; FREE prize +2.31; claim\\x3b now +1.70; \\xff\\xfe -0.80; "
        "무료 +0.01; \\x20\\x20 +1.00"
    )
    assert parse(b"") == []
