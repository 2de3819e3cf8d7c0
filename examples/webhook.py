"""Receives what Nightshift tells a URL, and believes only what is signed.

    export NIGHTSHIFT_HOOK_SECRET=$(openssl rand -hex 32)
    python examples/webhook.py 8080 &
    NIGHTSHIFT_HOOK_URL=http://127.0.0.1:8080/ producer enqueue data/messages.csv

`genuine` is what to take into a service of your own: the signature is made over the body as it came, so check it before
the JSON is parsed. An event may come twice, after a crash; job and event together tell.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["NIGHTSHIFT_HOOK_SECRET"].encode()
MAX_BODY = 1 << 20  # bytes; a receipt has a few thousand
MAX_AGE = 300  # seconds; what is older may be somebody's who listened, and sends it again


def genuine(header: str, body: bytes) -> bool:
    """Whether `body` was signed with our secret, lately. `header` is Nightshift-Signature: `t=SECONDS,v1=HMAC`."""
    fields = dict(part.partition("=")[::2] for part in header.split(","))
    stamp = fields.get("t", "")
    expected = hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    signed = hmac.compare_digest(expected.encode(), fields.get("v1", "").encode())
    return signed and abs(time.time() - int(stamp)) < MAX_AGE  # what was signed is a number


class Handler(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, and 401 to all else."""

    def do_POST(self) -> None:
        length = max(0, int(self.headers.get("Content-Length") or 0))
        body = self.rfile.read(min(length, MAX_BODY))
        if not genuine(self.headers.get("Nightshift-Signature") or "", body):
            self.send_error(401)
            return
        self.send_response(204)
        self.end_headers()
        event = json.loads(body)
        print(f"{event['event']}: {event['text']}", flush=True)

    def log_message(self, *_: object) -> None:
        """Says nothing of each request."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
