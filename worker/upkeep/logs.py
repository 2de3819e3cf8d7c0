"""The worker's log, as text or as JSON (jobs/logs.py): that is asked for by NIGHTSHIFT_LOG_FORMAT, or by
`celery worker --log-format`.

Not all that a worker writes comes by way of logging: TensorFlow's C++ and Celery's good-byes write to the descriptors.
Those lines take a way round, through a pipe to a thread that makes objects of them, so that every line is one.
TensorFlow speaks as soon as it is imported, so this is imported first, and reads the command line itself.
"""

import argparse
import atexit
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any, TextIO

import click
from celery import Celery, signals
from celery.bin.base import CeleryOption
from celery.utils.log import get_multiprocessing_logger

from jobs import logs

_stderr: TextIO | None = None  # the real one, once there is a way round


def begin(words: Sequence[str] | None = None) -> None:
    """Does nothing unless `words`, or the command line, are `celery worker` and JSON is asked for."""
    words = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-A", "--app")
    parser.add_argument("--log-format", default=os.environ.get(logs.VARIABLE))
    with contextlib.suppress(argparse.ArgumentError):  # Celery says what is wrong
        known, rest = parser.parse_known_args(words)
        if "worker" in rest and known.log_format == "json":
            _begin()


def set_up(app: Celery) -> None:
    """To be called once, in the worker's parent, before Celery reads its command line."""
    app.user_options["worker"].add(
        CeleryOption(
            ["--log-format"],
            type=click.Choice(logs.FORMATS),
            help=f"json: one object a line, with host, job and batch.  [default: {logs.VARIABLE}, or text]",
            help_group="Worker Options",
            expose_value=False,
        )
    )
    signals.after_setup_logger.connect(_use_text)
    signals.after_setup_task_logger.connect(_use_text)
    signals.task_prerun.connect(_bind)
    signals.task_postrun.connect(_unbind)


def _begin() -> None:
    global _stderr
    os.environ[logs.VARIABLE] = "json"  # for children that are fresh interpreters, as on macOS
    signals.celeryd_init.connect(_no_banner)
    signals.after_setup_logger.connect(_use_json)
    signals.after_setup_task_logger.connect(_use_json)
    _stderr = take_over_descriptors()


def _no_banner(instance: Any, **_: Any) -> None:
    instance.quiet = True


def _use_json(logger: logging.Logger, **_: Any) -> None:
    for each in (logger, get_multiprocessing_logger()):
        for handler in each.handlers:
            handler.setFormatter(logs.JsonFormatter())
            if _stderr and isinstance(handler, logging.StreamHandler) and handler.stream is sys.__stderr__:
                handler.setStream(_stderr)  # straight: what is said last must not be lost on the way


def _use_text(logger: logging.Logger, **_: Any) -> None:
    """Celery's own form, in which what strangers wrote forges no line."""
    for each in (logger, get_multiprocessing_logger()):
        for handler in each.handlers:
            form = handler.formatter
            if form and not isinstance(form, logs.JsonFormatter | logs.TextFormatter):
                handler.setFormatter(logs.TextFormatter(form))


def _bind(args: Any, **_: Any) -> None:
    logs.bind(*args[:2])


def _unbind(**_: Any) -> None:
    logs.bind(None)


def take_over_descriptors() -> TextIO:
    """From now on every line that this process and its children write to descriptors 1 and 2 becomes an object on the
    stderr there was, which is returned."""
    real = os.dup(2)
    source, sink = os.pipe()
    for descriptor in (1, 2):
        os.dup2(sink, descriptor)
    os.close(sink)
    thread = threading.Thread(target=_make_objects, args=(source, real), name="descriptors", daemon=True)
    thread.start()
    atexit.register(_give_back, os.getpid(), real, thread)
    return os.fdopen(real, "w", buffering=1, encoding="utf-8", closefd=False)


def _make_objects(source: int, real: int) -> None:
    # Neither locks nor buffers: the worker forks while this runs.
    formatter = logs.JsonFormatter()
    rest = b""
    while chunk := os.read(source, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").strip()
            if text.startswith('{"time": '):  # of a child that is a fresh interpreter
                os.write(real, line + b"\n")
            elif text:
                record = logging.LogRecord("stderr", logging.INFO, "", 0, "%s", (text,), None)
                os.write(real, formatter.format(record).encode() + b"\n")


def _give_back(pid: int, real: int, thread: threading.Thread) -> None:
    if os.getpid() == pid:
        for descriptor in (1, 2):
            os.dup2(real, descriptor)
        thread.join(1.0)  # until the last child is gone too, or not
