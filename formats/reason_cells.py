r"""Reasons as a cell of a scores file: `free prize +2.31; claim now +1.70; rule:known senders -1.50`.

Split a cell at `; `, and each reason at its last blank: before it stands the piece of text or, behind `rule:`, a rule's
name; after it the share in logits, or `allow` or `deny` for the rule that decided. In a piece `\`, `;` and what does
not print are written as in Python's bytes: `\\`, `\x3b`, `\n`, and a byte that is not UTF-8 as `\xff`; characters that
don't print as `\u200b`. So is the first letter of a piece that would else seem to be a rule.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from formats.harmless import printable

RULE = "rule:"
BLANKS = b"\t\n\v\f\r "
_BETWEEN = "; "
_ESCAPED = re.compile(r"\\(\\|[trn]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_NAMES = {"\t": "\\t", "\r": "\\r", "\n": "\\n", "\\": "\\\\"}
_CHARACTERS = {name: character for character, name in _NAMES.items()}


Rules = Sequence[tuple[str, "float | str"]]  # names, and what the rules did: points in logits, "allow" or "deny"


class Reason(NamedTuple):
    """`name` is a piece of the text (bytes as they stand in it), or a rule's name (text)."""

    name: bytes | str
    share: float | str  # in logits; "allow" or "deny" for a rule that decided


def cell(pieces: Sequence[bytes], hundredths: Sequence[int], rules: Rules) -> bytes:
    """From pieces of a text and their shares in hundredths of a logit, and the rules."""
    found = [_rule(rule) for rule in rules]
    found += [f"{_shown(piece)} {share / 100:+.2f}" for piece, share in zip(pieces, hundredths, strict=True)]
    return _BETWEEN.join(found).encode()


def _rule(rule: tuple[str, float | str]) -> str:
    name, share = rule
    return f"{RULE}{_escaped(name)} {share if isinstance(share, str) else f'{share:+.2f}'}"


def _shown(piece: bytes) -> str:
    """On one line, without the blanks around it, unless it is nothing else."""
    text = piece.strip(BLANKS).decode("utf-8", "surrogateescape")
    if not text:
        return "".join(f"\\x{each:02x}" for each in piece)
    if text.isprintable() and ";" not in text and "\\" not in text and not text.startswith(RULE):
        return text  # as most do
    found = _escaped(text)
    return f"\\x{ord(found[0]):02x}{found[1:]}" if found.startswith(RULE) else found


def parse(text: bytes | str) -> list[Reason]:
    """What `cell` wrote. Raises ValueError for what it never does."""
    text = text.decode() if isinstance(text, bytes) else text
    found = []
    for each in text.split(_BETWEEN) if text else []:
        name, _, share = each.rpartition(" ")
        value = share if share in ("allow", "deny") else float(share)
        if name.startswith(RULE):
            found.append(Reason(_unescaped(name.removeprefix(RULE)), value))
        else:
            found.append(Reason(_unescaped(name).encode("utf-8", "surrogateescape"), value))
    return found


def _escaped(text: str) -> str:
    odd = (each for each in set(text) if each in ";\\" or not each.isprintable())
    return text.translate({ord(each): _escape(each) for each in odd if each in ";\\" or printable(each) != each})


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"  # a byte that is not UTF-8
    if code < 0x80:
        return _NAMES.get(character) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescaped(name: str) -> str:
    def plain(match: re.Match[str]) -> str:
        if match[0] in _CHARACTERS:
            return _CHARACTERS[match[0]]
        code = int(match[1][1:], 16)
        return chr(code) if match[1][0] != "x" or code < 0x80 else chr(0xDC00 + code)

    return _ESCAPED.sub(plain, name)
