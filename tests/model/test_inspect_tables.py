"""What people see: tables on a terminal and in a pipe, and nothing that a stranger's text can do to either."""

import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from model.cli.tables import printable, show

HEADER, ROWS = ("name", "count"), [("무료 [bold]쿠폰[/bold]", "1,000"), ("b", "7")]


def test_columns_line_up_in_a_pipe_whatever_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    show(HEADER, ROWS, numbers=(1,))
    header, first, second = capsys.readouterr().out.splitlines()
    assert first == "무료 [bold]쿠폰[/bold]  1,000"
    assert cell_len(header) == cell_len(first) == cell_len(second)


def test_a_terminal_gets_a_table_with_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal, program = os.openpty()
    with os.fdopen(program, "w", encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
        show(HEADER, ROWS, numbers=(1,))
        stream.flush()
        drawn = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert "무료 [bold]쿠폰[/bold]" in drawn
    assert "\x1b[1m" in drawn  # the header, in bold


def test_what_does_not_print_is_shown_as_what_it_is() -> None:
    assert printable("한글 ok é".encode()) == "한글 ok é"
    assert printable(b"\x1b]0;title\x07") == r"\x1b]0;title\x07"
    assert printable("a\u202eb\u2028c\u200d".encode()) == r"a\u202eb\u2028c\u200d"
    assert printable(b"\xff") == r"\xff"


@given(st.binary(max_size=80), st.integers(8, 40))
def test_any_bytes_fit_and_stay_on_their_line(text: bytes, width: int) -> None:
    shown = printable(text, width)
    assert cell_len(shown) <= width
    assert shown.isprintable()
