"""Where in a TOML file a value stands: `tomllib` gives values without their lines."""

import re
import tomllib
from bisect import bisect_right
from typing import NamedTuple

# What a scanner must know of TOML to find strings: comments, the four kinds of strings, and the headers of tables.
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<header>^[ \t]*\[\[?[ \t]*(?P<name>[A-Za-z0-9_-]+)[ \t]*\]\]?)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


class Lines(NamedTuple):
    """Of one file. Lines count from 1."""

    headers: dict[str, list[int]]  # by a table's name, the lines of its headers
    strings: dict[str, list[int]]  # by value

    @classmethod
    def of(cls, text: str) -> "Lines":
        """Of a text that `tomllib` takes."""
        text = text.replace("\r\n", "\n")
        ends = [match.start() for match in re.finditer("\n", text)]
        found = cls({}, {})
        for match in _TOKEN.finditer(text):
            line = bisect_right(ends, match.start()) + 1
            if match["header"]:
                line = bisect_right(ends, match.start("name")) + 1
                found.headers.setdefault(match["name"], []).append(line)
            elif match["string"]:
                found.strings.setdefault(_value(match["string"]), []).append(line)
        return found

    def header(self, name: str, count: int) -> int | None:
        """The line of the table's header that is the `count`-th of its name, from 0; None if it has none of its own."""
        lines = self.headers.get(name, [])
        return lines[count] if count < len(lines) else None

    def string(self, value: str, after: int | None) -> int | None:
        """The line of the first such string that stands not before the line `after`."""
        lines = self.strings.get(value, [])
        return next((line for line in lines if line >= (after or 0)), lines[0] if lines else None)


def _value(literal: str) -> str:
    try:
        return str(tomllib.loads(f"x = {literal}")["x"])
    except tomllib.TOMLDecodeError:
        return literal
