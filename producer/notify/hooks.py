"""Hooks: what the outside is told of a job, by a command and by HTTP, each in a thread of its own.

Scoring never waits for them. The command is run without a shell; NIGHTSHIFT_EVENT has the event, and standard input the
body. The URL is POSTed to, again and again with growing pauses where it does not answer, or answers 429 or 5xx.

The body is JSON: `event` (complete, failed, late), `text` (one line for people), `input`, `job`, `host`, `time` (ISO
8601, UTC) and `receipt` (as `producer status JOB --json` has it, or null). Chat tools show `text`; those that refuse a
body with more in it get another form, by NIGHTSHIFT_HOOK_FORM (see `encode`).

With NIGHTSHIFT_HOOK_SECRET set, requests carry `Nightshift-Signature: t=<unix seconds>,v1=<hexadecimal HMAC-SHA256>`,
the scheme of Stripe's webhooks (docs.stripe.com/webhooks#verify-manually). A receiver checks it so, on the bytes as
they came:

    fields = dict(part.split("=", 1) for part in request.headers["Nightshift-Signature"].split(","))
    signed = fields["t"].encode() + b"." + request.body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    genuine = hmac.compare_digest(expected, fields["v1"]) and abs(time.time() - int(fields["t"])) < 300

The same event may arrive twice, after a crash: `job` and `event` together tell.
"""

import contextlib
import hashlib
import hmac
import json
import logging
import os
import queue
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, Self

from jobs.settings import HookForm, Settings

if TYPE_CHECKING:
    from producer.outputs.receipt import Receipt

log = logging.getLogger(__name__)

Event = Literal["complete", "failed", "late"]
CLOSE_SECONDS = 30.0
INTERRUPTED_SECONDS = 2.0  # for what is under way when somebody pressed Ctrl-C
COMMAND_SECONDS = 30.0  # before it is killed
CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
RETRIES = 5  # with pauses of 0, 1, 2, 4 and 8 s, and up to half a second more
BACKOFF_SECONDS, JITTER_SECONDS, PAUSE_SECONDS = 0.5, 0.5, 20.0  # the last: the longest, whatever Retry-After says
REPEATABLE = frozenset({429, *range(500, 600)})
THREADS = "nightshift hook"


class Claim(Protocol):
    """Sees to it that of several followers one delivers (producer/notify/news.py)."""

    def take(self, target: str) -> bool:
        """Whether to deliver. May block for as long as another follower is at it."""

    def settle(self, target: str, delivered: bool) -> None: ...


class Delivery(NamedTuple):
    event: Event
    document: dict[str, Any]
    claim: Claim | None


class DeliveryError(Exception):
    """Its text says why, in one line, and tells no secret."""


class Hooks:
    """A command, a URL, both or neither."""

    def __init__(self, command: Sequence[str], url: str | None, secret: str | None, form: HookForm) -> None:
        self._targets: list[_Target] = []
        if command:
            self._targets.append(_Target("command", lambda delivery: run(command, delivery)))
        if url:
            self._targets.append(_Target("url", lambda delivery: post(url, secret, form, delivery)))

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        command = shlex.split(settings.hook_command or "")
        return cls(command, settings.hook_url, settings.hook_secret, settings.hook_form)

    def __bool__(self) -> bool:
        """Whether anybody is told."""
        return bool(self._targets)

    def send(
        self,
        event: Event,
        text: str,
        *,
        input: str,
        receipt: "Receipt | None" = None,
        job: str | None = None,
        claim: Claim | None = None,
    ) -> None:
        """Queues the event and returns at once; never raises. What can't be delivered is logged, in one line."""
        document = {
            "event": event,
            "text": " ".join(text.split()),
            "input": input,
            "job": receipt.job if receipt else job,
            "host": socket.gethostname(),
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "receipt": receipt.to_dict() if receipt else None,
        }
        for target in self._targets:
            target.put(Delivery(event, document, claim))

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Waits for what is under way, for so long at most."""
        deadline = time.monotonic() + seconds
        for target in self._targets:
            target.close()
        for target in self._targets:
            target.join(max(0.0, deadline - time.monotonic()))


class _Target:
    """Delivers one after the other, in a daemon thread that starts with the first."""

    def __init__(self, name: str, deliver: Callable[[Delivery], None]) -> None:
        self._name = name
        self._deliver = deliver
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._under_way: Delivery | None = None

    def put(self, delivery: Delivery) -> None:
        self._queue.put(delivery)
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=f"{THREADS}: {self._name}", daemon=True)
            self._thread.start()

    def close(self) -> None:
        if self._thread:
            self._queue.put(None)

    def join(self, seconds: float) -> None:
        if self._thread:
            self._thread.join(seconds)
            if self._thread.is_alive():
                self._give_up()
            else:
                self._thread = None

    def _give_up(self) -> None:
        """What is under way, and what waits behind it."""
        if (delivery := self._under_way) and delivery.claim:
            with contextlib.suppress(Exception):  # then its lock runs out
                delivery.claim.settle(self._name, False)
        while delivery:
            job = delivery.document["job"]
            log.warning(
                "the hook %s on %s was given up: it takes too long", self._name, delivery.event, extra={"job": job}
            )
            delivery = self._queue.get() if not self._queue.empty() else None

    def _loop(self) -> None:
        while delivery := self._queue.get():
            self._under_way = delivery
            job = delivery.document["job"]
            try:
                if delivery.claim is None or delivery.claim.take(self._name):
                    delivered = False
                    try:
                        self._deliver(delivery)
                        delivered = True
                    finally:
                        if delivery.claim:
                            delivery.claim.settle(self._name, delivered)
            except DeliveryError as error:
                log.warning("the hook %s on %s failed: %s", self._name, delivery.event, error, extra={"job": job})
            except Exception as error:  # the server is away, say: nothing of this may end the thread
                reason = f"{type(error).__name__}: {error}"
                log.warning("the hook %s on %s failed: %s", self._name, delivery.event, reason, extra={"job": job})


def run(command: Sequence[str], delivery: Delivery) -> None:
    """Runs the command with the body on its standard input. Raises DeliveryError unless it ends with 0 in time."""
    environment = {name: value for name, value in os.environ.items() if name != "NIGHTSHIFT_HOOK_SECRET"}
    # Files rather than pipes: nothing blocks, whatever the command reads, writes or leaves behind.
    with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as words:
        body.write(json.dumps(delivery.document).encode())
        body.seek(0)
        try:
            process = subprocess.Popen(
                command,
                stdin=body,
                stdout=subprocess.DEVNULL,  # ours is for results
                stderr=words,
                env={**environment, "NIGHTSHIFT_EVENT": delivery.event},
                start_new_session=True,
            )
        except OSError as error:
            raise DeliveryError(f"{command[0]}: {error.strerror}") from None
        try:
            code = process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):  # it ended at this moment
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise DeliveryError(f"{command[0]} was killed after {COMMAND_SECONDS:.0f} s") from None
        if code:
            words.seek(0)
            last = words.read().decode(errors="replace").strip().splitlines()[-1:]
            raise DeliveryError(": ".join([f"{command[0]} ended with {code}", *last])[:500])


def post(url: str, secret: str | None, form: HookForm, delivery: Delivery) -> None:
    """POSTs the body. Raises DeliveryError unless the answer is a 2xx, in the end."""
    import urllib3
    from urllib3.util import Retry, Timeout, make_headers, parse_url

    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_ours)  # they tell the whole URL
    body = encode(form, delivery.document)
    parts = parse_url(url)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Nightshift",
        "Nightshift-Event": delivery.event,
        **({"Nightshift-Signature": sign(body, secret, int(time.time()))} if secret else {}),
        **(make_headers(basic_auth=parts.auth) if parts.auth else {}),
    }
    retries = Retry(
        RETRIES,
        redirect=0,
        allowed_methods=None,  # POST too: an event may arrive twice
        status_forcelist=REPEATABLE,
        backoff_factor=BACKOFF_SECONDS,
        backoff_jitter=JITTER_SECONDS,
        backoff_max=PAUSE_SECONDS,
        retry_after_max=int(PAUSE_SECONDS),
        raise_on_status=False,
    )
    timeout = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    where = f"{parts.scheme}://{parts.netloc}"  # the rest is a secret at chat tools
    try:
        with _pool(str(parts.scheme), str(parts.host), timeout=timeout) as pool:
            # A redirect is not followed: it would lead the receipt elsewhere.
            answer = pool.request(
                "POST", url, body=body, headers=headers, retries=retries, redirect=False, preload_content=False
            )
            said = " ".join(answer.read(300).decode(errors="replace").split())
    except urllib3.exceptions.MaxRetryError as error:
        reason = getattr(error.reason, "args", ())
        raise DeliveryError(f"{where}: {type(error.reason).__name__} {_plain(reason, url)}".strip()) from None
    except urllib3.exceptions.HTTPError as error:
        raise DeliveryError(f"{where}: {type(error).__name__}") from None
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"{where} answered {answer.status} {answer.reason or ''}: {said}".rstrip(": "))


def sign(body: bytes, secret: str, seconds: int) -> str:
    """The signature's header; the module's docstring says how to verify it."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def encode(form: HookForm, document: dict[str, Any]) -> bytes:
    """`receipt` is all of it, for programs, and for Slack, Mattermost and others that look for `text`. `text` is
    {"text": ...} alone: Google Chat refuses a body with other fields. `teams` is an Adaptive Card, the one thing that a
    workflow of Microsoft Teams posts (learn.microsoft.com, "Create and send messages")."""
    body: dict[str, Any] = document
    if form == "text":
        body = {"text": document["text"]}
    elif form == "teams":
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [{"type": "TextBlock", "text": document["text"], "wrap": True}],
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        body = {"type": "message", "attachments": [attachment]}
    return json.dumps(body).encode()


def _pool(scheme: str, host: str, **options: Any) -> Any:
    """Through the proxy that the environment names for this host, if it does."""
    import urllib3

    proxy = urllib.request.getproxies().get(scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def _plain(words: Sequence[object], url: str) -> str:
    """An exception's words, without the URL's path."""
    path = url.split("/", 3)[-1]
    text = " ".join(word for word in words if isinstance(word, str))
    return text.replace(path, "…") if path else text


def _ours(record: logging.LogRecord) -> bool:
    return not (record.threadName or "").startswith(THREADS)
