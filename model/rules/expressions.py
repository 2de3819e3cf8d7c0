r"""From entries to expressions of RE2's. Each is for texts in UTF-8, and matches the whole of one that has an entry.

`\C*` around an entry is any bytes: it makes a smaller automaton than `.*`. Entries of one family share what is around
them, and are sorted, so that RE2 joins what begins alike.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Literal

Family = Literal["patterns", "phrases", "exact phrases", "domains", "urls", "senders"]

# Scripts that are written without blanks, or whose words have endings glued to them: no border is looked for there.
_UNSPACED = ("Han", "Hiragana", "Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar")
_GLUED = "|".join(rf"\p{{{script}}}" for script in _UNSPACED)
# Where a word may begin or end: \b knows only ASCII, and nothing can be looked at without being taken.
_BORDER = rf"(?:[^\pL\pM\pN_]|{_GLUED})"
_BEFORE, _BEHIND = f"(?:^|{_BORDER})", f"(?:$|{_BORDER})"
_ANY = r"\C*"
_BLANK = r"[\s\v\x{85}\pZ]+"  # Unicode's white space; \s alone is ASCII's, without the vertical tab
# A host is prolonged by ASCII alone: where words have no blanks between them, what is before and behind it is no part.
_HOST_BEFORE = "(?:^|[^A-Za-z0-9-])"
_HOST_BEHIND = "(?:$|[^A-Za-z0-9.-]|[.-]+(?:$|[^A-Za-z0-9.-]))"  # the dot that ends a sentence ends a host as well
_URL_BEFORE = r"(?:^|[^A-Za-z0-9.-])(?i:www\.)?"
_PATH_BEHIND = "(?:$|[^A-Za-z0-9_-])"


def matching(family: Family, found: Sequence[str]) -> str:
    """The expression that matches, as a whole, each text that has one of these entries, at least one."""
    return rf"\C*(?:{_INSIDE[family](found)})\C*"


def pattern(text: str) -> str:
    """The same for one pattern, as its writer has it."""
    return matching("patterns", [text])


def literal(text: str) -> str:
    """What matches this text."""
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character.isascii() and not character.isalnum() and character != "_":
        return f"\\x{{{ord(character):x}}}" if character < " " or character == "\x7f" else f"\\{character}"
    return character


def _any_of(found: Iterable[str]) -> str:
    return "|".join(sorted(found))


def _patterns(found: Sequence[str]) -> str:
    return "|".join(f"(?:{each})" for each in found)


def _phrases(found: Sequence[str]) -> str:
    """Each begins and ends where a word does, if what is there is of a word."""
    kinds: dict[tuple[bool, bool], list[str]] = {}
    for phrase in found:
        words = _BLANK.join(literal(word) for word in phrase.split(" "))
        kinds.setdefault((_is_spaced(phrase[0]), _is_spaced(phrase[-1])), []).append(words)
    return "|".join(
        f"{_BEFORE if before else ''}(?:{_any_of(words)}){_BEHIND if behind else ''}"
        for (before, behind), words in sorted(kinds.items())
    )


def _is_spaced(character: str) -> bool:
    """Whether a letter or digit of a script that has blanks between words."""
    if not (character.isalnum() or character == "_"):
        return False
    code = ord(character)
    return not any(first <= code <= last for first, last in _UNSPACED_BLOCKS)


# Their blocks, as Unicode has them since long: Thai to Lao, Myanmar, Hangul Jamo, Khmer, kana to Hangul, Han.
_UNSPACED_BLOCKS = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x4DBF),
    (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0xFF66, 0xFFDC), (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)  # fmt: skip


def _domains(found: Sequence[str]) -> str:
    return f"{_HOST_BEFORE}(?i:{_any_of(form for host in found for form in hosts(host))}){_HOST_BEHIND}"


def hosts(host: str) -> list[str]:
    """A host as people write it and as DNS does, as expressions."""
    forms = {host}
    if not host.isascii():
        with suppress(UnicodeError):  # DNS has no such name, and a message may have it all the same
            forms.add(host.encode("idna").decode())
    return sorted(literal(form) for form in forms)


def _urls(found: Sequence[str]) -> str:
    """With and without a path, and whether a path ends in a word."""
    bare: list[str] = []
    whole: list[str] = []  # of these what follows is as well
    open_ended: list[str] = []
    for url in found:
        host = next((place for place, character in enumerate(url) if character in "/?#"), len(url))
        path = url[host:]
        for form in hosts(url[:host]):
            if not path:
                bare.append(form)
            else:
                kind = whole if path[-1].isalnum() or path[-1] in "_-" else open_ended
                kind.append(f"(?i:{form}){literal(path)}")
    parts = [f"(?i:{_any_of(bare)}){_HOST_BEHIND}"] if bare else []
    parts += [f"(?:{_any_of(whole)}){_PATH_BEHIND}"] if whole else []
    parts += [f"(?:{_any_of(open_ended)})"] if open_ended else []
    return f"{_URL_BEFORE}(?:{'|'.join(parts)})"


def _senders(found: Sequence[str]) -> str:
    """With `*` for any bytes; `@domain` is any sender there."""
    whole = ("*" + each if each.startswith("@") else each for each in found)
    return f"^(?:{_any_of(_ANY.join(literal(part) for part in each.split('*')) for each in whole)})$"


_INSIDE = {
    "patterns": _patterns,
    "phrases": lambda found: f"(?i:{_phrases(found)})",
    "exact phrases": _phrases,
    "domains": _domains,
    "urls": _urls,
    "senders": _senders,
}
