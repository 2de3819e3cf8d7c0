"""The mutants of a Lua script: each differs from it in one place, as a slip of its author's might."""

import re
from collections.abc import Iterator
from typing import NamedTuple

TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*)|(?P<string>'[^'\n]*'|"[^"\n]*")|(?P<number>\d+)|(?P<word>[A-Za-z_]\w*)"""
    r"""|(?P<sign>==|~=|<=|>=|\.\.|[^\s\w])"""
)
COMPARISONS = {
    "==": ["~="], "~=": ["=="], "<": ["<=", ">="], ">": [">=", "<="], "<=": ["<", ">"], ">=": [">", "<"],
}  # fmt: skip
WORDS = {"and": ["or"], "or": ["and"], "true": ["false"], "false": ["true"], "not": [""]}
OURS = ("redis", "wake", "count", "send", "finish", "damaged", "erase", "settle")  # what a statement may call
STATES = ("failed", "complete")  # what `finish` may be given as a constant


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Mutant(NamedTuple):
    """`text[start:end]` of the script becomes `after`."""

    file: str
    text: str
    kind: str
    start: int
    end: int
    after: str

    @property
    def mutated(self) -> str:
        return self.text[: self.start] + self.after + self.text[self.end :]

    @property
    def number(self) -> int:
        """The line's, from 1 on."""
        return self.text.count("\n", 0, self.start) + 1

    @property
    def change(self) -> tuple[str, str]:
        """The line, or lines, before and after."""
        first = self.text.rfind("\n", 0, self.start) + 1
        last = self.text.find("\n", self.end)
        before = self.text[first:last]
        return _bare(before), _bare(before[: self.start - first] + self.after + before[self.end - first :])

    @property
    def occurrence(self) -> int:
        """Which of the script's equal lines it is, from 1 on."""
        wanted = _bare(self.text.splitlines()[self.number - 1])
        return sum(_bare(line) == wanted for line in self.text.splitlines()[: self.number])


def _bare(code: str) -> str:
    return " ".join(code.split())


def mutants(file: str, text: str) -> list[Mutant]:
    """All of them, in the order of their places. No two have the same text, and none has the script's."""
    tokens = [
        Token(str(match.lastgroup), match.group(), match.start(), match.end())
        for match in TOKEN.finditer(text)
        if match.lastgroup != "comment"
    ]
    found: dict[str, Mutant] = {}
    for kind, start, end, after in _changes(text, tokens):
        mutant = Mutant(file, text, kind, start, end, after)
        if mutant.mutated != text:
            found.setdefault(mutant.mutated, mutant)
    return sorted(found.values(), key=lambda mutant: (mutant.start, mutant.end, mutant.after))


Change = tuple[str, int, int, str]  # kind, start, end, what comes there


def _changes(text: str, tokens: list[Token]) -> Iterator[Change]:
    for index, token in enumerate(tokens):
        for after in COMPARISONS.get(token.text, []):
            yield "comparison", token.start, token.end, after
        if token.kind == "number":
            for number in (int(token.text) - 1, int(token.text) + 1):
                yield "number", token.start, token.end, str(number)
        for after in WORDS.get(token.text, []):
            yield token.text, token.start, token.end, after
        if token.text in "+-" and not _is_unary(tokens, index):
            yield "arithmetic", token.start, token.end, "-" if token.text == "+" else "+"
        if token.text == "return":
            yield from _returns(text, tokens, index)
        if token.text == "if":
            yield from _conditions(tokens, index)
        if _begins_statement(text, tokens, index):
            yield from _removals(text, tokens, index)
        if token.text == "finish" and tokens[index + 2].text.strip("'") in STATES:
            state = tokens[index + 2]
            other = STATES[1 - STATES.index(state.text.strip("'"))]
            yield "state", state.start, state.end, f"'{other}'"


def _is_unary(tokens: list[Token], index: int) -> bool:
    before = tokens[index - 1]
    return before.text in ("return", "=", ",", "(", "{", "and", "or") or before.kind == "comment"


def _line_end(text: str, token: Token) -> int:
    return text.find("\n", token.start)


def _returns(text: str, tokens: list[Token], index: int) -> Iterator[Change]:
    """Another of the constants that the script returns; nothing at all in place of what was computed."""
    line = [token for token in tokens[index + 1 :] if token.start < _line_end(text, tokens[index])]
    value = line[: next((place for place, token in enumerate(line) if token.text == "end"), len(line))]
    if not value:
        return
    if value[0].text == "{" or value[0].kind == "string":
        known = sorted({*re.findall(r"return \{?('[^']*')", text), "''", "'other'"})
        for token in (token for token in value if token.kind == "string"):
            yield "return", token.start, token.end, known[(known.index(token.text) + 1) % len(known)]
    if any(token.kind == "word" for token in value) and value[0].text != "{":
        yield "return", value[0].start, value[-1].end, "false"


def _conditions(tokens: list[Token], index: int) -> Iterator[Change]:
    """The guard is gone; and where it guards no return, it always holds."""
    then = next(place for place in range(index, len(tokens)) if tokens[place].text == "then")
    start, end = tokens[index + 1].start, tokens[then - 1].end
    yield "guard", start, end, "false"
    if tokens[then + 1].text != "return":
        yield "guard", start, end, "true"


def _begins_statement(text: str, tokens: list[Token], index: int) -> bool:
    """A call or an assignment. The only one in an `if` of one line is not counted: to remove the guard is the same."""
    token = tokens[index]
    if token.kind != "word" or token.text in ("local", "return", "if", "for", "end", "else", "function"):
        return False
    before = tokens[index - 1].text if index else ""
    return before in ("do", "else") or not text[text.rfind("\n", 0, token.start) + 1 : token.start].strip()


def _removals(text: str, tokens: list[Token], index: int) -> Iterator[Change]:
    if tokens[index].text in OURS and tokens[index + 1].text in ("(", "."):
        depth, place = 0, index
        while True:
            depth += {"(": 1, ")": -1}.get(tokens[place].text, 0)
            if tokens[place].text == ")" and depth == 0:
                break
            place += 1
        yield "removed", tokens[index].start, tokens[place].end, ""
    elif "=" in (token.text for token in tokens[index + 1 : index + 4]):
        yield "removed", tokens[index].start, _line_end(text, tokens[index]), ""
