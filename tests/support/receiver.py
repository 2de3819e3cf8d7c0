"""Somebody's webhook: a real HTTP server in a thread, which keeps what it is sent."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """One POST, as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    def genuine(self, secret: str) -> bool:
        """The recipe of producer/notify/webhook.py."""
        fields = dict(part.split("=", 1) for part in self.headers["Nightshift-Signature"].split(","))
        signed = fields["t"].encode() + b"." + self.body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, fields["v1"]) and abs(time.time() - int(fields["t"])) < 300


class Receiver:
    """Answers with the `statuses`, one after the other, then with 200; while `open` is clear it does not answer."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[Request] = []
        self.open = threading.Event()
        self.open.set()
        self._statuses = list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(Request(self.path, dict(self.headers), body))
                receiver.open.wait(60)
                status = receiver._statuses.pop(0) if receiver._statuses else 200
                self.send_response(status)
                if status // 100 == 3:
                    self.send_header("Location", f"{receiver.url}elsewhere")
                self.end_headers()
                self.wfile.write(b"the receiver's words")

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a client that was not answered went away

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/T0/s3cr3t/"

    @property
    def events(self) -> list[str]:
        return [request.headers["Nightshift-Event"] for request in self.requests]


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(*statuses)
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.open.set()
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()
