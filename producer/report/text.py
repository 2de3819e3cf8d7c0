"""Messages as they may stand on a page: their senders are hostile, and nothing that they wrote may act there."""

import html
import unicodedata

# Joiners belong to emoji and to scripts such as Persian and Hindi.
_SHOWN = {"\u200c", "\u200d"}


def decode(value: bytes, size: int | None = None) -> str:
    """UTF-8, and what is none as \\xNN. If the whole text has `size` bytes, a character cut in two is dropped."""
    if size is not None and size > len(value):
        for cut in range(1, 4):
            lead = value[-cut] if cut <= len(value) else 0
            if lead >= 0xC0:
                width = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
                value = value[:-cut] if width > cut else value
                break
            if lead < 0x80:
                break
    return value.decode(errors="backslashreplace")


def escape(text: str) -> str:
    """As HTML, for an element or a quoted attribute. Control, format and private characters, among them those that turn
    the direction of text or hide in it, are named instead: <span class="odd">U+202E</span>. A line end is a sign."""
    if text.isprintable() and "\u2800" not in text:
        return html.escape(text)
    return "".join(_escape(character) for character in text)


def plain(text: str) -> str:
    """The same without markup, for places that have none: the text of an SVG."""
    return html.escape("".join(character if _harmless(character) else _name(character) for character in text))


def quote(value: bytes, size: int | None = None) -> str:
    """A message as HTML, isolated: whatever its direction is, that of the page stays."""
    rest = f' <span class="odd">… {size:,} bytes</span>' if size is not None and size > len(value) else ""
    return f'<bdi dir="auto">{escape(decode(value, size))}</bdi>{rest}'


def _harmless(character: str) -> bool:
    return character in _SHOWN or unicodedata.category(character)[0] != "C"


def _escape(character: str) -> str:
    if character == "\n":
        return '<span class="odd">⏎</span> '
    if _harmless(character):
        return html.escape(character)
    return f'<span class="odd">{_name(character)}</span>'


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"
