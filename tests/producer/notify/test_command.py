"""A command of the user's own, run on an event."""

import json
import shlex
import sys
import time
from pathlib import Path

import pytest

from jobs.settings import Settings
from producer.notify.hooks import Hooks


def tell(*words: object) -> None:
    settings = Settings.from_environment({"NIGHTSHIFT_HOOK_COMMAND": shlex.join(map(str, words))})
    hooks = Hooks.from_settings(settings)
    hooks.send("failed", "night failed; $(reboot)", input="/data/night.csv", job="night-1")
    hooks.close()


def test_it_gets_the_event_and_the_body_and_not_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = ("NIGHTSHIFT_HOOK_SECRET", "NIGHTSHIFT_HOOK_URL", "REDIS_URL", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE")
    for name in secrets:
        monkeypatch.setenv(name, "whsec")
    monkeypatch.setenv("MY_MAILBOX", "nights@example.org")
    out = tmp_path / "a file; with a name"
    code = "import os, sys, json; json.dump([sys.argv, dict(os.environ), sys.stdin.read()], open(sys.argv[1], 'w'))"
    tell(sys.executable, "-c", code, out, "$HOME")
    words, environment, body = json.loads(out.read_text())
    assert words == ["-c", str(out), "$HOME"]  # no shell
    assert environment["NIGHTSHIFT_EVENT"] == "failed"
    assert environment["MY_MAILBOX"] == "nights@example.org"
    assert not set(secrets) & environment.keys()
    document = json.loads(body)
    assert (document["event"], document["text"]) == ("failed", "night failed; $(reboot)")
    assert not caplog.records


def test_one_that_fails_says_its_last_words_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    tell(sys.executable, "-c", "import sys; print('first', file=sys.stderr); sys.exit('no such mailbox')")
    [line] = caplog.messages
    assert line.endswith("ended with 1: no such mailbox")
    assert line.startswith("the hook command on failed failed:")


def test_one_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    tell("no-such-command-of-ours")
    assert "No such file" in caplog.messages[0]


def test_one_that_hangs_is_killed(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.notify.command.COMMAND_SECONDS", 0.2)
    began = time.monotonic()
    tell("sleep", 60)
    assert time.monotonic() - began < 5
    assert "sleep was killed after" in caplog.messages[0]


def test_what_it_leaves_running_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    began = time.monotonic()
    tell("sh", "-c", "sleep 5 &")
    assert time.monotonic() - began < 3
    assert not caplog.records
