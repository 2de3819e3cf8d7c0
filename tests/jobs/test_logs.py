"""Log lines, as JSON and as text."""

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.errors import SettingsError
from jobs.logs import JsonFormatter, TextFormatter, bind, bound
from jobs.settings import Settings


@pytest.fixture(autouse=True)
def unbound() -> Iterator[None]:
    """Whatever another test's command left bound in this process."""
    with bound(None):
        yield


def line(message: str, *args: object, **extra: Any) -> dict[str, Any]:
    record = logging.getLogger("test").makeRecord("test", logging.WARNING, "", 0, message, args, None, extra=extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_line_has_the_time_in_utc_and_is_one_line_whatever_it_says() -> None:
    found = line("two\nlines: %s", "Ünïcode \udcff")
    assert found["message"] == "two\nlines: Ünïcode \udcff"
    moment = datetime.fromisoformat(found["time"])
    assert moment.utcoffset() == datetime.now(UTC).utcoffset()
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 5
    assert list(found) == ["time", "level", "logger", "message", "host", "pid", "job", "batch"]


def test_it_is_about_what_is_bound_in_every_thread_or_what_it_says_itself() -> None:
    assert (line("x")["job"], line("x")["batch"]) == (None, None)
    with bound("night-1", 7):
        found: list[dict[str, Any]] = []
        thread = threading.Thread(target=lambda: found.append(line("x")))
        thread.start()
        thread.join()
        assert (found[0]["job"], found[0]["batch"]) == ("night-1", 7)
        assert (line("x", job="night-2")["job"], line("x", job="night-2")["batch"]) == ("night-2", None)
        bind("night-3")
        assert (line("x")["job"], line("x")["batch"]) == ("night-3", None)
    assert line("x")["job"] is None


def test_celerys_lines_on_a_task_are_about_its_batch() -> None:
    assert line("x", data={"id": "night-4f1d:12"})["batch"] == 12
    new = line("x", data={"id": "night-4f1d:00112233aabbccdd:12"})
    assert (new["job"], new["batch"]) == ("night-4f1d", 12)
    assert line("x", data={"id": "night-4f1d:12"})["job"] == "night-4f1d"
    assert line("x", data={"id": "6cc5d7a0-a-foreign-task"})["job"] is None
    assert line("x", data="something else")["job"] is None


def test_fields_are_added_and_replace_nothing() -> None:
    found = line("x", fields={"rate": 1.5, "level": "mine"})
    assert (found["rate"], found["level"]) == (1.5, "warning")


def test_an_exception_is_in_the_line() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("test", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert json.loads(text)["exception"].endswith("ValueError: no")


def test_a_format_that_is_none() -> None:
    with pytest.raises(SettingsError, match="NIGHTSHIFT_LOG_FORMAT='xml' is none of: text, json"):
        Settings.from_environment({"NIGHTSHIFT_LOG_FORMAT": "xml"})


def test_a_message_forges_no_line_and_tells_no_password() -> None:
    """As text: a record is one line, and what follows of a traceback is indented."""
    formatter = TextFormatter(logging.Formatter("producer: %(message)s"))
    error = ValueError("night\nproducer: forged \x1b[2J redis://:s3cr3t@queue/0")
    failed = ValueError, error, None
    name = "night\nproducer: forged \x1b[2J\r"
    record = logging.LogRecord("producer", logging.ERROR, "", 0, "%s at redis://:s3cr3t@queue/0", (name,), failed)
    first, *rest = formatter.format(record).split("\n")
    assert first == r"producer: night\nproducer: forged \x1b[2J\r at redis://…@queue/0"
    assert rest
    assert all(each.startswith("  ") for each in rest)
    assert not re.search("s3cr3t|\x1b|\r", "".join(rest))
    document = json.loads(JsonFormatter().format(record))
    assert document["message"] == f"{name} at redis://…@queue/0"
    assert "s3cr3t" not in document["exception"]
