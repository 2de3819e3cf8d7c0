"""Disguises of messages, as people who send spam make them: each leaves the text readable to whoever reads it."""

import unicodedata
import zlib
from collections.abc import Callable, Sequence
from random import Random

LOOKALIKE_DIGITS = str.maketrans("oilseatbgOILSEATBG", "011534789011534789")
CYRILLIC = str.maketrans("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ")
# Of several scripts: Greek, Armenian, Cherokee, the phonetic alphabet and Latin's own small capitals.
OTHER_SCRIPTS = str.maketrans("abcdefghiklmnoprstuvwyzABEHIKMNOPTXYZ", "αЬϲԁеғɡһικӏⅿոοрʀѕτυνԝуzΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_SOFT_HYPHEN = "\u00ad"

Disguise = Callable[[str, Random], str]


def _spaces(word: str, _: Random) -> str:
    return " ".join(word)


def _digits(word: str, _: Random) -> str:
    return word.translate(LOOKALIKE_DIGITS)


def _cyrillic(word: str, _: Random) -> str:
    return word.translate(CYRILLIC)


def _other_scripts(word: str, _: Random) -> str:
    return word.translate(OTHER_SCRIPTS)


def _punctuation(word: str, random: Random) -> str:
    return "".join(letter + (random.choice(".-_*'") if random.random() < 0.5 else "") for letter in word)


def _capitals(word: str, _: Random) -> str:
    return word.upper()


def _full_width(word: str, _: Random) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in word)


def _mathematical(word: str, random: Random) -> str:
    """Letters of one of the alphabets that mathematicians write: bold, italic, script, double-struck and so on."""
    style = random.choice([0x1D400, 0x1D468, 0x1D4D0, 0x1D56C, 0x1D5A0, 0x1D5D4, 0x1D670])
    return "".join(_styled(letter, style) for letter in word)


def _styled(letter: str, style: int) -> str:
    if not (letter.isascii() and letter.isalpha()):
        return letter
    styled = chr(style + ord(letter.lower()) - ord("a") + (26 if letter.islower() else 0))
    return styled if unicodedata.name(styled, "") else letter


def _entities(word: str, random: Random) -> str:
    form = random.choice(["&#{};", "&#{:04};", "&#x{:x};", "&#X{:X};"])
    return "".join(form.format(ord(letter)) for letter in word)


def _zero_width(word: str, random: Random) -> str:
    return "".join(letter + random.choice(_INVISIBLE) for letter in word)


def _soft_hyphens(word: str, _: Random) -> str:
    return _SOFT_HYPHEN.join(word)


_WAYS: dict[str, Disguise] = {
    "spaces": _spaces,
    "digits": _digits,
    "Cyrillic": _cyrillic,
    "punctuation": _punctuation,
    "capitals": _capitals,
    "other scripts": _other_scripts,
    "full width": _full_width,
    "mathematical": _mathematical,
    "entities": _entities,
    "zero width": _zero_width,
    "soft hyphens": _soft_hyphens,
}
KINDS = tuple(_WAYS)  # of words; see `padded` for what is done to whole messages
PADDING = "ham padding"


def disguise(text: bytes, seed: int, kind: str | None = None, share: float = 0.5) -> bytes:
    """Change a share of the words of a message, each in a way drawn from KINDS, or in the one given."""
    random = Random(seed ^ zlib.crc32(text))
    words = text.decode("utf-8", "surrogateescape").split(" ")
    changed = [_WAYS[kind or random.choice(KINDS)](word, random) if random.random() < share else word for word in words]
    return " ".join(changed).encode("utf-8", "surrogateescape")


def padded(text: bytes, seed: int, ham: Sequence[bytes]) -> bytes:
    """Put an ordinary message before a message or behind it."""
    random = Random(seed ^ zlib.crc32(text))
    ordinary = random.choice(ham)
    return b" ".join([text, ordinary] if random.random() < 0.5 else [ordinary, text])
