"""Log lines, of producer and workers alike: as text, each on a line of its own that is one, or as JSON, one object a
line, with the job and the batch that it is about. No secret is in either (formats/harmless.py)."""

import json
import logging
import os
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, cast, get_args

from formats.harmless import hidden, shown, shown_lines

Format = Literal["text", "json"]
FORMATS: tuple[str, ...] = get_args(Format)
VARIABLE = "NIGHTSHIFT_LOG_FORMAT"

# What this process works on. A worker process scores one batch at a time, and a command follows one job: no context
# variable, so that their other threads (the one that renews the lease, say) write it as well.
_job: str | None = None
_batch: int | None = None
_format: Format = "text"


def bind(job: str | None, batch: int | None = None) -> None:
    """From now on this process's lines are about that."""
    global _job, _batch
    _job, _batch = job, batch


@contextmanager
def bound(job: str | None, batch: int | None = None) -> Iterator[None]:
    """`bind`, for the length of a block."""
    before = _job, _batch
    bind(job, batch)
    try:
        yield
    finally:
        bind(*before)


class JsonFormatter(logging.Formatter):
    """`time` (ISO 8601, UTC), `level`, `logger`, `message`, `host`, `pid`, `job` and `batch` (null where there is
    none), then what the record's `fields` attribute adds, and `exception` with its traceback if there was one."""

    def __init__(self) -> None:
        super().__init__()
        self._host = socket.gethostname()

    def format(self, record: logging.LogRecord) -> str:
        job, batch = _subject(record)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": hidden(record.getMessage()),
            "host": self._host,
            "pid": os.getpid(),
            "job": job,
            "batch": batch,
        }
        for name, value in getattr(record, "fields", {}).items():
            line.setdefault(name, value)
        if record.exc_info:
            line["exception"] = hidden(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """As another formatter, but that a record is one line, whatever its message says; only a traceback follows, with
    lines that are indented: no other line begins like a record's."""

    def __init__(self, form: logging.Formatter) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        plain = logging.makeLogRecord(record.__dict__)
        plain.msg, plain.args = shown(record.getMessage()), None
        plain.exc_info = plain.exc_text = plain.stack_info = None
        line = self._form.format(plain)
        behind = [record.stack_info] if record.stack_info else []
        if record.exc_info:
            behind.append(self.formatException(record.exc_info))
        return "\n  ".join([line, *(shown(each) for text in behind for each in text.split("\n"))])


def _subject(record: logging.LogRecord) -> tuple[str | None, int | None]:
    """What a line is about: what it says itself, the task whose id Celery put there, or what is bound."""
    if hasattr(record, "job"):
        return record.job, getattr(record, "batch", None)
    data = getattr(record, "data", None)
    name, _, batch = str(data.get("id", "") if isinstance(data, dict) else "").rpartition(":")
    job = name.partition(":")[0]
    return (job, int(batch)) if job and batch.isdigit() else (_job, _batch)


class _Stderr(logging.Handler):
    """Whatever sys.stderr is by then: rich's progress bar puts itself before it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except BrokenPipeError:
            pass  # nobody reads
        except Exception:
            self.handleError(record)


def set_up(form: str) -> None:
    """A command's logging, to stderr: as JSON with everything that it says, or as text with warnings alone. May be
    called again. Raises ValueError for a format that is none."""
    global _format
    if form not in FORMATS:
        raise ValueError(f"{form!r} is none of: {', '.join(FORMATS)}")
    _format = cast(Format, form)
    handler = _Stderr()
    handler.setFormatter(JsonFormatter() if as_json() else TextFormatter(logging.Formatter("producer: %(message)s")))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("producer").setLevel(logging.INFO if as_json() else logging.WARNING)
    logging.captureWarnings(as_json())
    sys.excepthook = _log_exception if as_json() else _print_exception


def as_json() -> bool:
    """Whether this command logs as JSON: then all that it writes to stderr is."""
    return _format == "json"


def _print_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    for text in traceback.format_exception(kind, error, trace):
        print(shown_lines(text.rstrip("\n")), file=sys.stderr)


def _log_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("producer").critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))
