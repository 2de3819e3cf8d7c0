"""A hook that is a URL: it is POSTed to, again and again with growing pauses where it does not answer, or answers 429
or 5xx. Chat tools show `text`; those that refuse a body with more in it get another form, by NIGHTSHIFT_HOOK_FORM.

With NIGHTSHIFT_HOOK_SECRET set, requests carry `Nightshift-Signature: t=<unix seconds>,v1=<hexadecimal HMAC-SHA256>`,
the scheme of Stripe's webhooks (docs.stripe.com/webhooks#verify-manually). A receiver checks it so, on the bytes as
they came:

    fields = dict(part.split("=", 1) for part in request.headers["Nightshift-Signature"].split(","))
    signed = fields["t"].encode() + b"." + request.body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    genuine = hmac.compare_digest(expected, fields["v1"]) and abs(time.time() - int(fields["t"])) < 300
"""

import hashlib
import hmac
import json
import logging
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

from jobs.settings import HookForm
from producer.notify.delivery import THREADS, Delivery, DeliveryError

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
RETRIES = 5  # with pauses of 0, 1, 2, 4 and 8 s, and up to half a second more
BACKOFF_SECONDS, JITTER_SECONDS, PAUSE_SECONDS = 0.5, 0.5, 20.0  # the last: the longest, whatever Retry-After says
REPEATABLE = frozenset({429, *range(500, 600)})


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
