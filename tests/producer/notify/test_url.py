"""What is POSTed, how it is signed, and what becomes of it where nobody answers as hoped. A real server in a thread."""

import json
import time

import pytest

from jobs.errors import SettingsError
from jobs.settings import Settings
from producer.notify.hooks import Hooks
from producer.notify.webhook import encode
from tests.support.receiver import receiving

SECRET = "whsec"  # noqa: S105 -- for the test alone


def hooks(**settings: str) -> Hooks:
    return Hooks.from_settings(
        Settings.from_environment({f"NIGHTSHIFT_HOOK_{name.upper()}": value for name, value in settings.items()})
    )


def test_it_is_signed_and_sent_again_until_it_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    with receiving(500, 503) as receiver:
        telling = hooks(url=receiver.url, secret=SECRET)
        telling.send("late", "night finishes\nat 06:40", input="/data/night.csv", job="night-1")
        telling.close()
    assert len(receiver.requests) == 3
    assert {request.body for request in receiver.requests} == {receiver.requests[0].body}
    for request in receiver.requests:
        assert request.genuine(SECRET)
        assert not request.genuine("another")
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Nightshift-Event"] == "late"
    document = receiver.requests[0].json()
    assert sorted(document) == ["event", "host", "input", "job", "receipt", "text", "time"]
    assert document["text"] == "night finishes at 06:40"
    assert (document["job"], document["input"], document["receipt"]) == ("night-1", "/data/night.csv", None)
    assert not caplog.records


def test_without_a_secret_it_is_not_signed() -> None:
    with receiving() as receiver:
        telling = hooks(url=receiver.url)
        telling.send("complete", "done", input="x")
        telling.close()
    [request] = receiver.requests
    assert "Nightshift-Signature" not in request.headers


@pytest.mark.parametrize("status", [400, 302])
def test_a_refusal_is_not_tried_again_nor_a_redirect_followed_and_the_path_stays_secret(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(status) as receiver:
        telling = hooks(url=receiver.url)
        telling.send("complete", "done", input="x")
        telling.send("failed", "not done", input="x")
        telling.close()
    assert receiver.events == ["complete", "failed"]
    [line] = caplog.messages
    assert line.startswith(f"the hook url on complete failed: http://127.0.0.1:{receiver.server.server_port} answered")
    assert line.endswith("the receiver's words")
    assert "s3cr3t" not in line


def test_a_receiver_that_is_not_there_costs_a_line_and_the_sender_no_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producer.notify.webhook.BACKOFF_SECONDS", 0.01)
    telling = hooks(url="http://127.0.0.1:1/hooks/s3cr3t")
    began = time.monotonic()
    telling.send("complete", "done", input="x")
    assert time.monotonic() - began < 0.1
    telling.close()
    [line] = caplog.messages
    assert "Connection refused" in line
    assert "s3cr3t" not in line


def test_a_receiver_that_hangs_is_given_up_when_the_command_ends(caplog: pytest.LogCaptureFixture) -> None:
    with receiving() as receiver:
        receiver.open.clear()
        telling = hooks(url=receiver.url, command="true")
        began = time.monotonic()
        telling.send("late", "not yet done", input="x")
        telling.send("complete", "done", input="x")
        telling.close(0.5)
        assert time.monotonic() - began < 2
        assert caplog.messages == [
            "the hook url on late was given up: it takes too long",
            "the hook url on complete was given up: it takes too long",
        ]


def test_the_forms_that_chat_tools_take() -> None:
    document = {"event": "late", "text": "a line", "receipt": None}
    assert json.loads(encode("receipt", document)) == document
    assert json.loads(encode("text", document)) == {"text": "a line"}
    teams = json.loads(encode("teams", document))
    assert teams["type"] == "message"
    [card] = teams["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["content"]["body"] == [{"type": "TextBlock", "text": "a line", "wrap": True}]


def test_it_goes_through_the_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.split("/hooks")[0])
        telling = hooks(url="http://hooks.example.invalid/night")
        telling.send("complete", "done", input="x")
        telling.close()
    [request] = proxy.requests
    assert request.path == "http://hooks.example.invalid/night"


def test_nobody_to_tell_is_no_trouble() -> None:
    nobody = hooks()
    assert not nobody
    nobody.send("complete", "done", input="x")
    nobody.close()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("URL", "ftp://example.invalid/s3cr3t", "must be an http:// or https:// URL"),
        ("URL", "https:///s3cr3t", "must be an http:// or https:// URL"),
        ("URL", "http://x:99999/s3cr3t", "must be an http:// or https:// URL"),
        ("COMMAND", "mail 'admin", "No closing quotation"),
        ("FORM", "xml", "is none of: receipt, text, teams"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_line(name: str, value: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        Settings.from_environment({f"NIGHTSHIFT_HOOK_{name}": value})
    assert "s3cr3t" not in str(caught.value)


def test_secrets_do_not_show_in_the_settings() -> None:
    settings = Settings.from_environment(
        {"NIGHTSHIFT_HOOK_URL": "https://example.invalid/s3cr3t", "NIGHTSHIFT_HOOK_SECRET": SECRET}
    )
    assert "s3cr3t" not in repr(settings)
    assert SECRET not in repr(settings)
