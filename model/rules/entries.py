"""What may stand in a list: each entry in its one form, or why it is none."""

import re

_HOST = re.compile(r"(?!-)[\w-]+(?<!-)(?:\.(?!-)[\w-]+(?<!-))+")
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?P<host>[^/?#:]+)(?P<path>[/?#].*)?", re.DOTALL)
_ANGLE = re.compile(r".*<([^<>]*)>", re.DOTALL)


def sender(text: str) -> str:
    """An address, `@domain`, or either with `*`: without a name beside it, in lower case as far as it is ASCII.

    All of these raise ValueError, with the end of "... is no sender: ...", for what is none.
    """
    named = _ANGLE.fullmatch(text.strip())
    text = lower((named[1] if named else text).strip())
    if not text:
        raise ValueError("it is empty")
    if not text.strip("*@."):
        raise ValueError("it would be every sender")
    return text


def domain(text: str) -> str:
    """A domain, which means its subdomains as well."""
    found = text.strip().lower().removeprefix("*").removeprefix(".").removesuffix(".")
    if "/" in found:
        raise ValueError("it has a '/'; `urls` takes addresses of pages")
    if "@" in found:
        raise ValueError("it has an '@'; `senders` takes addresses of people")
    if not _HOST.fullmatch(found):
        raise ValueError("a domain is names of letters, digits and hyphens, at least two, with dots between them")
    return found


def url(text: str) -> str:
    """A host, and where on it a page begins: without scheme and `www.`, the host in lower case."""
    found = _URL.fullmatch(text.strip())
    host = found["host"].lower().removeprefix("www.") if found else ""
    if found is None or not _HOST.fullmatch(host):
        raise ValueError("a URL is a host and a path, like example.com/prize")
    return host + (found["path"] or "")


def phrase(text: str) -> str:
    """Words with single blanks between them."""
    found = " ".join(text.split())
    if not found:
        raise ValueError("it is empty")
    return found


def pattern(text: str) -> str:
    """An expression; whether it is one, RE2 says."""
    if not text:
        raise ValueError("it is empty, and would match every message")
    return text


def lower(text: str) -> str:
    """ASCII letters in lower case, as the graph makes them."""
    return re.sub("[A-Z]+", lambda match: match[0].lower(), text)


FORMS = {"senders": sender, "domains": domain, "urls": url, "phrases": phrase, "patterns": pattern}
