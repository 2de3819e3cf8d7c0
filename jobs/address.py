"""Where the server is: REDIS_URL, parsed once, for redis-py and for Celery alike.

The two read URLs differently (redis-py takes `?db=3` and overlooks what it does not know, kombu takes only the path),
so that a producer and a worker could mean two databases by one URL.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

from jobs.errors import SettingsError

SCHEMES = ("redis", "rediss", "unix")
PORT = 6379
CERTIFICATES = {
    **{word: word for word in ("none", "optional", "required")},  # redis-py's words,
    **{f"cert_{word}": word for word in ("none", "optional", "required")},  # and kombu's
}
PATHS = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
TLS = ("ssl_cert_reqs", "ssl_check_hostname", "ssl_password", *PATHS)


@dataclass(frozen=True, slots=True)
class Address:
    """A server and a database on it. Exactly one of `host` and `path` is not empty."""

    host: str
    port: int
    path: str  # of a unix socket
    db: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: dict[str, str | bool] | None = field(default=None, repr=False)  # redis-py's `ssl_…`; None: no TLS

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises SettingsError, whose text shows no password."""
        try:
            return cls._parse(url)
        except ValueError as error:
            raise SettingsError(f"REDIS_URL: {error}") from None

    @classmethod
    def _parse(cls, url: str) -> Self:
        scheme, colon, _ = url.partition("://")
        if scheme not in SCHEMES or not colon:
            # What stands there may be a password, if it is no scheme.
            other = f", not '{scheme}://'" if colon and re.fullmatch(r"[a-z][a-z+-]{0,19}", scheme) else ""
            raise ValueError(f"it must begin with redis://, rediss:// or unix://{other}")
        if ";" in url or re.search(r"\s", url):
            raise ValueError("it names one server; write a semicolon as %3B, a blank as %20")
        try:
            parts = urlsplit(url)
        except ValueError:  # its text would show the password
            raise ValueError("it is no URL") from None
        if parts.netloc and "@" in parts.path + parts.query:  # and nothing of it is shown
            raise ValueError("write / and ? in a password as %2F and %3F, @ elsewhere as %40")
        if parts.fragment or url.endswith("#"):
            raise ValueError("write # as %23")
        query = _query(parts.query)
        for known, given in ((parts.username, "username"), (parts.password, "password")):
            if known and query.get(given, _text(known)) != _text(known):
                raise ValueError(f"it has two of {given!r}")
        username = query.pop("username", "") or _text(parts.username or "") or None
        password = query.pop("password", "") or _text(parts.password or "") or None
        if scheme == "unix":
            if parts.hostname or not parts.path.strip("/"):
                raise ValueError("a socket is written unix:///path/to/it")
            found = cls("", 0, _text(parts.path), _database([query.pop("db", ""), query.pop("virtual_host", "")]))
        else:
            try:
                port = parts.port or PORT
            except ValueError:
                raise ValueError("its port is no number from 1 to 65535") from None
            db = _database([_text(parts.path.strip("/")), query.pop("db", ""), query.pop("virtual_host", "")])
            found = cls(_text(parts.hostname or "") or "127.0.0.1", port, "", db)
        tls = {name: query.pop(name) for name in TLS if name in query}
        if tls and scheme != "rediss":
            raise ValueError(f"{min(tls)!r} needs rediss://")
        if query:
            raise ValueError(f"the parameter {min(query)!r} is not known here")
        return replace(found, username=username, password=password, tls=_tls(tls) if scheme == "rediss" else None)

    def client(self) -> dict[str, Any]:
        """What a redis-py connection is made with."""
        common = {"db": self.db, "username": self.username, "password": self.password}
        if self.path:
            return {"path": self.path, **common}
        return {"host": self.host, "port": self.port, **common, **(self.tls or {})}

    def broker(self) -> str:
        """The URL by which Celery finds the same, with the password."""
        user = quote(self.username or "", safe="") + (f":{quote(self.password, safe='')}" if self.password else "")
        user = f"{user}@" if user else ""
        if self.path:
            return f"redis+socket://{user}{quote(self.path)}?virtual_host={self.db}"
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        url = f"{'redis' if self.tls is None else 'rediss'}://{user}{host}:{self.port}/{self.db}"
        if self.tls is None:
            return url
        query = {name: str(value) for name, value in self.tls.items()}
        return f"{url}?{urlencode({**query, 'ssl_cert_reqs': 'CERT_' + query['ssl_cert_reqs'].upper()})}"

    def __str__(self) -> str:
        """For people: without user, password and certificates."""
        if self.path:
            return f"unix://{self.path}" + (f" (database {self.db})" if self.db else "")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'redis' if self.tls is None else 'rediss'}://{host}:{self.port}/{self.db}"


def _text(quoted: str) -> str:
    """Bytes that are not UTF-8 are surrogates, as in file names."""
    return unquote_to_bytes(quoted).decode(errors="surrogateescape")


def _query(text: str) -> dict[str, str]:
    """Raises ValueError for a name that is there twice, with two values."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="surrogateescape"):
        if found.setdefault(name, value) != value:
            raise ValueError(f"it has two of {name!r}")
    return found


def _database(given: list[str]) -> int:
    """From the path and the parameters, which must not contradict each other; 0 if none says."""
    numbers = set()
    for text in filter(None, given):
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise ValueError(f"the database {text!r} is no number")
        numbers.add(int(text))
    if len(numbers) > 1:
        raise ValueError(f"it names the databases {' and '.join(map(str, sorted(numbers)))}")
    return numbers.pop() if numbers else 0


def _tls(given: dict[str, str]) -> dict[str, str | bool]:
    """The server's certificate is verified unless the URL says otherwise."""
    word = given.pop("ssl_cert_reqs", "required")
    if word.lower() not in CERTIFICATES:
        raise ValueError(f"ssl_cert_reqs is none of: {', '.join(CERTIFICATES)}")
    kind = CERTIFICATES[word.lower()]
    check = given.pop("ssl_check_hostname", "true" if kind != "none" else "false").lower()
    if check not in ("true", "false"):
        raise ValueError("ssl_check_hostname is true or false")
    return {"ssl_cert_reqs": kind, "ssl_check_hostname": check == "true", **given}
