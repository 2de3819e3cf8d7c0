"""One URL, one server and one database, whoever reads it: redis-py for the producer, kombu for Celery's workers."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.address import Address
from jobs.errors import SettingsError
from jobs.server import client
from worker.upkeep.broker import make_app


def as_redis_py(url: str) -> dict[str, Any]:
    return client(Address.parse(url)).connection_pool.connection_kwargs


def as_kombu(url: str) -> dict[str, Any]:
    """What Celery's own connection is made with; nothing is connected."""
    transport = make_app(url).connection_for_read().transport
    channel = object.__new__(transport.Channel)
    channel.connection = transport
    return dict(channel._connparams())


def texts(least: int = 1) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=least, max_size=12)


@st.composite
def urls(draw: st.DrawFn) -> str:
    user, password = draw(st.none() | texts()), draw(st.none() | texts())
    inside = draw(st.booleans())  # credentials before the host, or behind it as parameters
    words = [f"username={quote(user, safe='')}"] if user and inside else []
    words += [f"password={quote(password, safe='')}"] if password and inside else []
    before = ""
    if not inside and (user or password):
        before = quote(user or "", safe="") + (":" + quote(password, safe="") if password else "") + "@"
    db = draw(st.none() | st.integers(0, 15))
    scheme = draw(st.sampled_from(["redis", "rediss", "unix"]))
    if scheme == "unix":
        path = "/" + quote("/".join(draw(st.lists(texts().filter(lambda t: t.strip("/.")), min_size=1, max_size=3))))
        words += [f"{draw(st.sampled_from(['db', 'virtual_host']))}={db}"] if db is not None else []
        return f"unix://{before}{path}" + ("?" + "&".join(words) if words else "")
    host = draw(st.sampled_from(["", "localhost", "10.0.0.7", "[::1]", "[fe80::1]", "queue-1.example.com"]))
    port = draw(st.none() | st.integers(1, 65535))
    path = draw(st.sampled_from(["", "/"]))
    if db is not None:
        if draw(st.booleans()):
            path = f"/{db}"
        else:
            words.append(f"db={db}")
    if scheme == "rediss":
        words += draw(
            st.lists(
                st.sampled_from(
                    ["ssl_cert_reqs=none", "ssl_ca_certs=%2Fetc%2Fa%20b.pem", "ssl_certfile=/c", "ssl_keyfile=/k"]
                ),
                unique=True,
            )
        )
        if "ssl_cert_reqs=none" not in words:
            words += draw(st.sampled_from([[], ["ssl_cert_reqs=CERT_REQUIRED"], ["ssl_check_hostname=false"]]))
    return f"{scheme}://{before}{host}{f':{port}' if port else ''}{path}" + ("?" + "&".join(words) if words else "")


@given(urls())
def test_producer_and_worker_mean_the_same(url: str) -> None:
    ours, celerys = as_redis_py(url), as_kombu(url)
    for name in ("host", "port", "path", "username", "password", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile"):
        assert ours.get(name) == celerys.get(name), name
    assert int(ours["db"]) == int(celerys["db"])
    if "ssl_cert_reqs" in ours:
        assert celerys["ssl_cert_reqs"].name == f"CERT_{ours['ssl_cert_reqs'].upper()}"
        assert "SSL" in celerys["connection_class"].__name__


@pytest.mark.parametrize(
    ("url", "line"),
    {
        "redis://host/prod": "the database 'prod' is no number",
        "redis://host/1?db=2": "it names the databases 1 and 2",
        "redis://host?db=1&db=2": "it has two of 'db'",
        "redis://host?databse=1": "the parameter 'databse' is not known here",
        "redis://host:port": "its port is no number from 1 to 65535",
        "redis://host:70000": "its port is no number from 1 to 65535",
        "redis://host?ssl_cert_reqs=none": "'ssl_cert_reqs' needs rediss://",
        "rediss://host?ssl_cert_reqs=perhaps": "ssl_cert_reqs is none of: none, optional",
        "rediss://host?ssl_check_hostname=2": "ssl_check_hostname is true or false",
        "redis://host/0#1": "write # as %23",
        "redis://a:1;redis://b:1": "it names one server",
        "redis://host/0 ": "it names one server",
        "unix://run/valkey.sock": "a socket is written unix:///path/to/it",
        "unix://": "a socket is written unix:///path/to/it",
        "sentinel://host:26379": "it must begin with redis://, rediss:// or unix://, not 'sentinel://'",
        "redis+socket:///run/valkey.sock": "it must begin with",
        "host:6379": "it must begin with",
        "redis://[::1": "",
    }.items(),
)
def test_what_is_wrong_with_a_url_is_said_in_one_line(url: str, line: str) -> None:
    with pytest.raises(SettingsError, match=f"^REDIS_URL: .*{re.escape(line)}"):
        Address.parse(url)


@pytest.mark.parametrize(
    "url",
    ["redis://:top/secret@host", "redis://:top?secret@host/0", "unix://:top/secret@/run/s", "redis://:secret℀@host"],
)
def test_a_password_with_signs_of_a_url_is_no_reason_to_show_it(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^REDIS_URL: (write / and \?|it is no URL)") as caught:
        Address.parse(url)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=40), st.sampled_from(["redis://", "rediss://", "unix://", "redis://:secret@", ""]))
def test_any_text_is_a_url_or_a_line(text: str, begin: str) -> None:
    said = ""
    try:
        said = str(Address.parse(begin + text))
    except SettingsError as error:
        said = str(error)
    assert "secret" not in said


def test_nobody_is_shown_a_password() -> None:
    for url in ("redis://user:secret@host", "redis://host?password=secret", "unix://:secret@/run/s"):
        address = Address.parse(url)
        assert address.password == "secret"  # noqa: S105
        assert "secret" not in f"{address} {address!r}"
