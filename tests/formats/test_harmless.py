"""What is shown of strangers' texts does nothing to a terminal or a log, and tells no secret."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.harmless import hidden, printable, shown, without_secrets

PASTED = "tr0ub4/d@r#?x&y"  # unescaped, as people paste it
URLS = (
    f"redis://:{PASTED}@queue:6379/0",
    f"rediss://worker:{PASTED}@queue:6379/0?ssl_ca_certs=/etc/ca.pem",
    f"redis+socket://:{PASTED}@/run/valkey.sock?virtual_host=0",
    "redis://queue:6379/0?password=tr0ub4dr",
    "unix:///run/valkey.sock?db=1&password=tr0ub4dr",
    "https://hooks.example.net/x?token=tr0ub4dr&a=1",
    "https://me:tr0ub4dr@hooks.example.net/",
    "https://bucket.example.net/key?X-Amz-Signature=tr0ub4dr",
)


@given(st.text(st.characters(codec=None, categories=None)) | st.text("[/x]\x1b[2J\n\r\u202e\udc80\x9b\u2028 a"))
def test_no_character_of_it_acts_and_all_that_print_are_there(text: str) -> None:
    found = printable(text)
    assert not {unicodedata.category(each) for each in found} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    found.encode()
    if text.isprintable():
        assert found == text


def test_it_is_written_as_python_writes_it() -> None:
    assert printable("[/x]\x1b[2J\n\r\u202e\udc80") == r"[/x]\x1b[2J\n\r\u202e\udc80"


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("before", ["Error 111 connecting to {}.", "<Connection(url='{}')>", "cannot reach {} (a, b)"])
def test_no_password_of_a_url_is_told(url: str, before: str) -> None:
    assert not re.search("tr0ub|d@r|x&y", hidden(before.format(url)))


def test_arguments_of_libraries_tell_none() -> None:
    text = "<ConnectionPool(<Connection(host='h', username='u', password='tr0ub4dr', db=0)>)> {'password': 'tr0ub4dr'}"
    assert "tr0ub" not in hidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "s3://mail/in/night@2.csv: no such object",
        "unix:///run/valkey.sock",
        "no column named 'password'; the header has 'passwords', 'user'",
        "AUTH <password> called without any password configured for the default user",
        "Error 111 connecting to queue:6379. Connection refused.",
        "in/a=b?c.csv: record 7, line 8: 3 fields, the header has 2",
    ],
)
def test_what_is_no_secret_is_told_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_the_secrets_of_the_environment_are_told_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:sw%2Fordfish@queue:6379/0")
    monkeypatch.setenv("NIGHTSHIFT_HOOK_SECRET", "whsec_12345")
    found = hidden("the password sw/ordfish, written sw%2Fordfish, and whsec_12345")
    assert found == "the password …, written …, and …"


def test_a_program_of_somebody_elses_inherits_no_secret() -> None:
    ours = {
        "REDIS_URL": "redis://:geheim@queue", "NIGHTSHIFT_HOOK_SECRET": "x", "NIGHTSHIFT_HOOK_URL": "https://h/x",
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "GOOGLE_APPLICATION_CREDENTIALS": "/x",
    }  # fmt: skip
    theirs = {"PATH": "/bin", "HOME": "/root", "CHAT_TOKEN": "their own", "NIGHTSHIFT_LOG_FORMAT": "json"}
    assert without_secrets({**ours, **theirs}) == theirs
