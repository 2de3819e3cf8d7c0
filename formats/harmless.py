r"""Text as people are shown it, in a terminal or a log: nothing in it acts there, and no secret is in it.

File names, headers, messages, names of nodes, and what other programs say of them, were written by others. An escape
sequence could rewrite the screen, a line break could forge a line of a log, a direction mark could reorder one. So
whatever is not to be seen is written as Python writes it: \x1b, \n, \u202e, \udcff.
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, formats, line separators, what nobody defined
HIDDEN = "…"

# Those of the environment that no child of ours needs which is somebody else's program.
SECRETS = ("REDIS_URL", "NIGHTSHIFT_HOOK_URL", "NIGHTSHIFT_HOOK_SECRET", "GOOGLE_APPLICATION_CREDENTIALS")
SECRET_FAMILIES = ("AWS_",)
_VALUES = ("NIGHTSHIFT_HOOK_SECRET", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")  # that are hidden as they are
_SHORTEST = 6  # characters of a secret that is looked for: a shorter one is in every other word

# The user's part of a URL. A server's is taken up to the last @, for who wrote a password unescaped.
_SERVER = re.compile(r"(?i)\b((?:rediss?|valkeys?|unix|redis\+socket|sentinel|amqps?)://)[^\s'\"<>]*@")
_USER = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@'\"<>]*@")
_WORD = r"(?:[\w.-]*(?:passw(?:or)?d|secret|token|signature|credential|api_?key|access_?key)[\w.-]*|pwd|sig|auth)"
_QUERY = re.compile(rf"(?i)([?&;]{_WORD}=)[^&\s'\"<>]+")
_ARGUMENT = re.compile(r"(?i)(\b\w*passw(?:or)?d\w*(?:=|['\"]\s*:\s*(?=['\"])))(?:'[^']*'|\"[^\"]*\"|[^\s'\",;)&]+)")


def shown(text: object) -> str:
    """On one line, with no secret in it."""
    return printable(hidden(str(text)))


def shown_lines(text: object) -> str:
    """The same of a text whose line ends are ours."""
    return "\n".join(map(shown, str(text).split("\n")))


def printable(text: str) -> str:
    """On one line, with nothing in it that a terminal would act on."""
    if text.isprintable():
        return text
    return "".join(_escaped(each) if unicodedata.category(each) in _UNPRINTABLE else each for each in text)


def hidden(text: str) -> str:
    """Without the passwords of URLs, those that are known to be some, and the secrets of this process's environment."""
    if "@" in text:
        text = _USER.sub(rf"\1{HIDDEN}@", _SERVER.sub(rf"\1{HIDDEN}@", text))
    if "=" in text or ":" in text:
        text = _ARGUMENT.sub(rf"\1{HIDDEN}", _QUERY.sub(rf"\1{HIDDEN}", text))
    for secret in _known(os.environ.get("REDIS_URL", ""), *(os.environ.get(name, "") for name in _VALUES)):
        text = text.replace(secret, HIDDEN)
    return text


def without_secrets(environment: "os._Environ[str] | dict[str, str]") -> dict[str, str]:
    """What a program of somebody else's may inherit."""
    return {
        name: value
        for name, value in environment.items()
        if name not in SECRETS and not name.startswith(SECRET_FAMILIES)
    }


@lru_cache(maxsize=4)
def _known(url: str, *values: str) -> list[str]:
    """The longest first."""
    found = {each for part in _passwords(url) for each in (part, unquote(part))}
    return sorted((each for each in (*found, *values) if len(each) >= _SHORTEST), key=len, reverse=True)


def _passwords(url: str) -> Iterator[str]:
    if user := re.search(r"://(.*)@", url):
        yield user[1].partition(":")[2]
    yield from re.findall(r"(?i)[?&]\w*password=([^&]+)", url)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
