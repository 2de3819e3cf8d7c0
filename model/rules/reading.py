"""Reading a file of rules: TOML, with lists in it or beside it. Whatever is wrong is said with its line."""

import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from model.errors import ModelError
from model.rules.entries import FORMS
from model.rules.lines import Lines
from model.rules.policy import ENTRIES, KINDS, TEXT, Entries, Kind, Policy, Rule

OUTPUTS = ("score", "verdict", "rule")
POINT = 100  # so many steps has a point
MOST_POINTS = 30  # e^30 to one is sure
_FILE = "_file"
_COLUMN = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/-]*")  # what a node may be called
_KEYS = {"name", "column", "match_case", *ENTRIES, *(f"{each}{_FILE}" for each in ENTRIES)}


class Rules(NamedTuple):
    """A policy, and where each of its entries stands."""

    policy: Policy
    places: dict[tuple[int, Entries, str], str]  # by the rule's number, the list and the entry: "rules.toml, line 3"


def read(path: Path) -> Rules:
    """Read a file of rules. Raises ModelError, with file and line, for what is none; expressions RE2 has yet to see."""
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = f", line {where[1]}" if where else ""
        raise ModelError(f"{path}{line}: not TOML: {str(error).partition(' (at ')[0]}") from None
    return _Reader(path, Lines.of(text)).rules(content)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ModelError(f"{path}, line {line}: not UTF-8") from None


class _Reader:
    def __init__(self, path: Path, lines: Lines) -> None:
        self._path, self._lines = path, lines
        self._places: dict[tuple[int, Entries, str], str] = {}

    def rules(self, content: dict[str, Any]) -> Rules:
        odd = content.keys() - {"thresholds", *KINDS}
        if odd:
            name = min(odd)
            raise self._error(
                self._lines.header(name, 0), f"{name!r} is none of [thresholds], {', '.join(f'[[{k}]]' for k in KINDS)}"
            )
        spam, review = self._thresholds(content.get("thresholds", {}))
        rules: list[Rule] = []
        names: dict[str, int | None] = {}
        for kind in KINDS:
            tables = content.get(kind, [])
            if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
                raise self._error(self._lines.header(kind, 0), f"a rule is a table [[{kind}]], with two brackets")
            for count, table in enumerate(tables):
                line = self._lines.header(kind, count)
                rule = self._rule(len(rules), kind, table, line)
                if rule.name in names:
                    raise self._error(line, f"a second rule is called {rule.name!r}")
                names[rule.name] = line
                rules.append(rule)
        return Rules(Policy(tuple(rules), spam, review), self._places)

    def _thresholds(self, table: Any) -> tuple[float, float | None]:
        line = self._lines.header("thresholds", 0)
        if not isinstance(table, dict) or table.keys() - {"spam", "review"}:
            raise self._error(line, "[thresholds] has spam and review, and nothing else")
        spam, review = table.get("spam", 0.5), table.get("review")
        for name, value in (("spam", spam), ("review", review)):
            if value is not None and not (_is_number(value) and 0 <= value <= 1):
                raise self._error(line, f"{name} is a score from 0 to 1, not {value!r}")
        if review is not None and review > spam:
            raise self._error(line, f"review, {review}, is above spam, {spam}: nothing would be reviewed")
        return float(spam), None if review is None else float(review)

    def _rule(self, number: int, kind: Kind, table: dict[str, Any], line: int | None) -> Rule:
        name, column, match_case = table.get("name"), table.get("column", TEXT), table.get("match_case", False)
        if name is None:
            raise self._error(line, 'a rule needs a name, such as: name = "our own"')
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise self._error(line, f"a rule's name is a text in one line, not {name!r}")
        odd = table.keys() - (_KEYS | {"points"} if kind == "points" else _KEYS)
        if odd:
            raise self._error(line, f"the rule {name!r} has {min(odd)!r}; it may have {', '.join(sorted(_KEYS))}")
        if not isinstance(column, str) or not _COLUMN.fullmatch(column) or column in OUTPUTS:
            raise self._error(line, f"the rule {name!r}: {column!r} is no column that a graph can take")
        if not isinstance(match_case, bool):
            raise self._error(line, f"the rule {name!r}: match_case is true or false")
        entries = {key: self._entries(number, key, table, line) for key in ENTRIES}
        if all(each is None for each in entries.values()):
            raise self._error(line, f"the rule {name!r} has none of {', '.join(ENTRIES)}")
        points = self._points(name, table.get("points"), line) if kind == "points" else 0
        senders = entries.pop("senders")
        rest = {key: value or () for key, value in entries.items()}
        return Rule(name, kind, column, points, match_case, senders, **rest)

    def _points(self, name: str, value: Any, line: int | None) -> int:
        if not _is_number(value) or not abs(value) <= MOST_POINTS or round(value * POINT) == 0:
            raise self._error(
                line, f"the rule {name!r}: points are a number of at most {MOST_POINTS} either way, not {value!r}"
            )
        hundredths: int = round(value * POINT)
        return hundredths

    def _entries(self, number: int, key: Entries, table: dict[str, Any], line: int | None) -> tuple[str, ...] | None:
        """None if the rule has no such list."""
        given = [(key, table[key])] if key in table else []
        found: dict[str, None] = {}
        for name, value in given:
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise self._error(line, f"{name} is a list of texts")
            for text in value:
                self._add(found, number, key, text, self._place(self._lines.string(text, line)))
        files = table.get(f"{key}{_FILE}", [])
        files = [files] if isinstance(files, str) else files
        if not isinstance(files, list) or not all(isinstance(each, str) for each in files):
            raise self._error(line, f"{key}{_FILE} is the name of a file, or a list of such")
        for each in files:
            path = self._path.parent / each
            if not path.exists():
                raise self._error(self._lines.string(each, line), f"there is no file {path}")
            for count, text in _listed(path):
                self._add(found, number, key, text, f"{path}, line {count}")
        return tuple(found) if given or files else None

    def _add(self, found: dict[str, None], number: int, key: Entries, text: str, place: str) -> None:
        try:
            entry = FORMS[key](text)
        except ValueError as error:
            raise ModelError(f"{place}: {text[:80]!r} is no {key.removesuffix('s')}: {error}") from None
        found.setdefault(entry)
        self._places.setdefault((number, key, entry), place)

    def _place(self, line: int | None) -> str:
        return f"{self._path}, line {line}" if line else str(self._path)

    def _error(self, line: int | None, text: str) -> ModelError:
        return ModelError(f"{self._place(line)}: {text}")


def _listed(path: Path) -> Iterator[tuple[int, str]]:
    """The entries of a list, one a line, with their lines: without blank ones and those that begin with '#'."""
    for count, line in enumerate(_text(path).splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield count, line.strip()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
