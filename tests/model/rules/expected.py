r"""Turns the table of expectations into what `model rules --test` reads: in the table a byte is written as \xff."""

import re
from pathlib import Path

HERE = Path(__file__).parent
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([nrt]))")
_NAMED = {"n": b"\n", "r": b"\r", "t": b"\t"}


def raw(table: str) -> bytes:
    """The table's bytes. A cell with line breaks must be quoted, and all with an escape are."""
    lines = [",".join(_cell(cell) for cell in _cells(line)) for line in table.splitlines()]
    return b"\n".join(_bytes(line) for line in lines) + b"\n"


def _cells(line: str) -> list[str]:
    return re.findall(r'(?:^|,)((?:"(?:[^"]|"")*"|[^,"])*)', line)


def _cell(cell: str) -> str:
    return f'"{cell}"' if "\\" in cell and not cell.startswith('"') else cell


def _bytes(line: str) -> bytes:
    result, place = b"", 0
    for match in _ESCAPE.finditer(line):
        result += line[place : match.start()].encode()
        byte, code, name = match.groups()
        result += bytes.fromhex(byte) if byte else chr(int(code, 16)).encode() if code else _NAMED[name]
        place = match.end()
    return result + line[place:].encode()


def write(folder: Path) -> tuple[Path, Path]:
    """Put the rules, their list of ten thousand senders and the table into a folder: the rules and the table."""
    rules, table = folder / "rules.toml", folder / "cases.csv"
    rules.write_bytes((HERE / "expectations.toml").read_bytes())
    senders = [f"bulk{number}@list.example" for number in range(10_000)]
    (folder / "senders.txt").write_text("# who sends in bulk\n\n" + "\n".join(senders) + "\n")
    table.write_bytes(raw((HERE / "expectations.csv").read_text(encoding="utf-8")))
    return rules, table
