"""What letters are folded to, whoever wrote them: tables by code point, made of Python's `unicodedata`.

`FOLDED` holds wherever a character stands: an alphabet of mathematics, a circled or full-width letter, a small capital
and an accented letter of the Latin script are that letter, and what nobody sees is nothing. `LOOKALIKES` are letters of
other scripts, which mean themselves in their own languages: where they stand for Latin ones the reader must find out.

The look-alikes are a choice of those in Unicode's UTS #39 (https://www.unicode.org/Public/security/latest/
confusables.txt), made by hand, with some that only look similar.
"""

import html.entities
import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

DELETED = -1  # nothing is left of it
PAGE = 256  # code points in a page of a table
ENTITY_LENGTH = 9  # of a name of HTML's with its semicolon, so that it fits into 63 bits

# By script, what looks like each letter, whatever the case. Those in the first table are hardly told from it, so that
# a whole word of them is one of Latin letters, too; those in the second one only within a word that has Latin letters.
_ALIKE = {
    "a": "аАαΑᎪꓮ", "b": "ΒВᏴЬꓐ", "c": "сСϲᏟСꓚ", "d": "ԁᎠꓓ", "e": "еЕΕεᎬꓰҽ", "f": "ϝϜꓝ", "g": "ԍԌᏀց", "h": "һНΗᎻհꓧ",
    "i": "іІιΙᎥꓲ", "j": "јЈϳᎫꓙ", "k": "кКκΚᏦꓗ", "l": "ӏӀᏞꓡ", "m": "мМΜᎷꓟ", "n": "ΝոՈꓠ", "o": "оОοΟօՕꓳ",
    "p": "рРρΡᏢꓑ", "q": "ԛԚզ", "r": "ᎡᏒꓣ", "s": "ѕЅՏᏚꓢ", "t": "ТтΤτᎢꓔ", "u": "υսՍꓴ", "v": "νѵѴᏙꓦ", "w": "ԝԜᎳꓪ",
    "x": "хХχΧꓫ", "y": "уУүҮΥγᎩꓬ", "z": "ΖᏃꓜ",
}  # fmt: skip
_SIMILAR = {
    "a": "λΛдᗩ", "b": "вьъβЪᗷ", "c": "ςҫҪⅽᑕ", "d": "δᗪժ", "e": "эЭєЄёЁҿΣξᗴ", "f": "ғҒƒՔᖴ", "g": "ɡԳ", "h": "нԊђћηᕼ",
    "i": "їЇίΊ", "j": "ʝᒍ", "k": "ҝқҚҟ", "l": "Լⅼιᒪ", "m": "ⅿოᗰ", "n": "пПиИйЙηπΠղᑎ", "o": "өӨσθΘθоՕΌόõ", "p": "рþᑭ",
    "q": "ԳգφΦ", "r": "гГяЯѓᖇ", "s": "ՏꚂᔕ", "t": "тեҭҬ†", "u": "цЦμυմᑌ", "v": "ѷⅴᐯ", "w": "шШщЩωΩѡѠᗯա", "x": "жЖⅹҳҲ᙭",
    "y": "ўЎұҰΨψՎყ", "z": "зЗζʐ", 
}  # fmt: skip
_SCRIPTS = ("GREEK", "COPTIC", "CYRILLIC", "ARMENIAN", "CHEROKEE", "LISU", "GEORGIAN", "CANADIAN SYLLABICS")

SAME = 1 << 8  # of a look-alike, which is the letter's number: it is hardly told from it
FOREIGN = 1 << 9  # a letter of one of the scripts that have look-alikes

_LATIN = re.compile(
    "(?:.+ )?LATIN (?:SUBSCRIPT )?(?:SMALL |CAPITAL )?LETTER "
    "(?:SMALL CAPITAL |DOTLESS |TURNED |REVERSED |INVERTED |SCRIPT |OPEN |LONG |BARRED )*([A-Z])(?: WITH .+)?"
    "|REGIONAL INDICATOR SYMBOL LETTER ([A-Z])"
)
# All others are Chinese, Korean, ancient, or nobody's.
_RANGES = (
    (0x80, 0x3400),
    (0xA000, 0xAC00),
    (0xF900, 0x10000),
    (0x1D400, 0x1D800),
    (0x1F000, 0x1F300),
    (0xE0000, 0xE01F0),
)
_WIDTH = re.compile("(?:FULLWIDTH|MATHEMATICAL) .+(?:LETTER|SMALL|CAPITAL|DIGIT) .+")
_MARKS = ((0x300, 0x370), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00), (0x20D0, 0x2100), (0xFE00, 0xFE10), (0xFE20, 0xFE30))
_BLANK = frozenset([0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x3164, 0xFFA0])
_OTHERS = {"ℓ": "l", "℮": "e", "⠀": " "}


class Table(NamedTuple):
    """A number for each code point: `pages[places[code // PAGE] + code % PAGE]`. Most of them share a page of zeros."""

    places: npt.NDArray[np.int32]  # [pages of Unicode]: where each begins
    pages: npt.NDArray[np.int32]  # [numbers]


@lru_cache
def folded() -> dict[int, int]:
    """What the characters become that are not folded to themselves; DELETED if nothing is left of one."""
    found = {}
    for code in chain(*(range(*each) for each in _RANGES)):
        to = _fold(chr(code))
        if to != code:
            found[code] = to
    return found


def _fold(character: str) -> int:
    code, category = ord(character), unicodedata.category(character)
    if _is_accented(character):
        return code
    if (category == "Cf" and not 0x600 <= code < 0x8E3) or code in _BLANK:  # Arabic's signs of numbers are seen
        return DELETED
    if any(first <= code < end for first, end in _MARKS) or 0xE0100 <= code < 0xE01F0:
        return DELETED
    if character in _OTHERS:
        return ord(_OTHERS[character])
    if category == "Zs":
        return code if code == 0x3000 else ord(" ")  # it is Chinese and Japanese
    name = unicodedata.name(character, "")
    latin = _LATIN.fullmatch(name) if "LETTER" in name else None
    if latin:
        return ord((latin[1] or latin[2]).lower())
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 1 and ((plain.isascii() and plain.isalnum()) or _WIDTH.fullmatch(name)):
        return ord(plain.lower()) if plain.isascii() else ord(plain)
    return code


def _is_accented(character: str) -> bool:
    """Whether it is a Latin letter with accents, as many languages write them: it means itself."""
    if "\xc0" <= character < "\u0180":
        return _LATIN.fullmatch(unicodedata.name(character)) is not None
    plain = unicodedata.normalize("NFD", character)
    return len(plain) > 1 and plain[0].isascii() and plain[0].isalpha()


@lru_cache
def lookalikes() -> dict[int, int]:
    """The letters of other scripts: the Latin letter that each looks like, if any, with SAME and FOREIGN."""
    found = {}
    for code in chain(*(range(*each) for each in _RANGES)):
        name = unicodedata.name(chr(code), "")
        if name.startswith(_SCRIPTS) and unicodedata.category(chr(code)).startswith("L"):
            found[code] = FOREIGN
    for table, flags in ((_SIMILAR, FOREIGN), (_ALIKE, FOREIGN | SAME)):
        for latin, characters in table.items():
            for character in characters:
                if ord(character) not in folded():
                    found[ord(character)] = ord(latin) | flags
    return found


def table(values: dict[int, int]) -> Table:
    """The values by code point; those that have none have 0."""
    changed = sorted({code // PAGE for code in values})
    places = np.zeros((sys.maxunicode + 1) // PAGE, np.int32)
    places[changed] = np.arange(1, len(changed) + 1) * PAGE
    pages = np.zeros((len(changed) + 1) * PAGE, np.int32)
    for code, value in values.items():
        pages[places[code // PAGE] + code % PAGE] = value
    return Table(places, pages)


def charset(codes: Iterable[int]) -> str:
    """Code points as the inside of a class of RE2's."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in ranges)


@lru_cache
def entities() -> dict[str, int]:
    """HTML's names, without & and ;, of characters that stand for ASCII letters and digits, for spaces or for nothing.

    Markup's own (`&lt;`, `&gt;`, `&amp;`, `&quot;`) are no disguise, and stay as they are; so do names that begin as
    these do, or every message with markup would have to be looked at closely.
    """
    found = {}
    for name, value in html.entities.html5.items():
        if (
            name.endswith(";")
            and len(name) <= ENTITY_LENGTH
            and name[0] not in "lgaq"
            and len(value) == 1
            and (ord(value) in folded() or _is_accented(value))
        ):
            found[name[:-1]] = ord(value)
    return found
