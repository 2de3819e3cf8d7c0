"""In which encoding a file is, found from its beginning, and the text that it has there."""

import codecs
import re
from collections import Counter

from formats.csv.dialect import UTF8, Dialect
from formats.errors import InputError
from formats.packed.encoding import BOMS, NotInItError, Transcoder, wide_encoding

MOSTLY = 0.9  # of what is looked at
# What words of western languages have not: signs within a word, or in front of a letter with an accent; a capital of
# those among small letters; an accent alone.
_NOT_WESTERN = re.compile(
    "[^\\W\\d_][¡-¬®-³µ¶¸-¿×÷‚„†‡‰‹“”€™›]+[^\\W\\d_]|[¢-©¬®-³µ¶¸¹¼-¾×÷†‡‰€™][À-ÿ]|[A-Za-zß-ÿ][ŠŒŽŸ][a-z]|[ˆ˜]"
)
_SEVERAL = "windows-1252 gb18030 big5 shift_jis euc-kr windows-1251"  # to name some


class InDoubtError(InputError):
    """The file can be read in more than one way: its text names the options that say which."""


def encoding_of(name: object, head: bytes, whole: bool) -> str:
    """Raises InDoubtError."""
    if head.startswith(codecs.BOM_UTF8):
        return UTF8
    if wide := wide_encoding(head):
        return wide[:6] if head.startswith(BOMS) else wide  # a BOM says the order of bytes
    if not whole:
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head[:-3]  # no half of a character
    octets = len(head) - len(head.translate(None, bytes(range(0x80, 0x100))))  # beyond ASCII
    invalid = sum(map(len, re.findall("[\udc80-\udcff]+", head.decode(UTF8, "surrogateescape"))))
    if invalid <= (1 - MOSTLY) * octets:
        return UTF8
    runs = Counter(map(len, re.findall(rb"[\x80-\xff]+", head)))
    alone = sum(count for length, count in runs.items() if length <= 2)
    by_chance = octets - invalid <= (1 - MOSTLY) * octets  # what is valid UTF-8
    western = head.decode("cp1252", "replace")
    odd = len(_NOT_WESTERN.findall(western))  # some are written on purpose, in spam
    if by_chance and "\ufffd" not in western and alone - odd >= MOSTLY * runs.total():
        return "cp1252"
    example = re.search(rb"[^\r\n]{0,20}[\x80-\xff][^\r\n]{0,20}", head)
    lines = f", such as {example[0].decode('latin-1')!a}" if example else ""
    raise InDoubtError(
        f"{name}: its texts are not UTF-8{lines}; --encoding NAME says what they are: one of {_SEVERAL}, ..."
    )


def decoded(name: object, head: bytes, encoding: str, whole: bool) -> str:
    """The text of a file's beginning, as its plain copy would have it; half a character at its end does not count, nor
    does a BOM. Raises InputError if it is another encoding's."""
    if Dialect(encoding=encoding).in_place:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        return decoder.decode(head, final=whole).removeprefix("\ufeff")
    try:
        return Transcoder(encoding, head).feed(head, last=whole).decode(UTF8, "replace")
    except NotInItError as error:
        raise InputError(f"{name}: {error}") from error
