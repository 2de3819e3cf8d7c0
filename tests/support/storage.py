"""Object storage: moto's S3 as a real HTTP server on a free port, which can be told to misbehave."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import urllib3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from formats.files import storage

# A request, as WSGI has it, to what is to be answered in the place of moto's answer; None: moto's.
Fault = Callable[[dict[str, Any]], "tuple[str, bytes] | None"]


DENIED = "403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
BUSY = "503 Slow Down", b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Storage.requests has them."""


class Storage:
    """A bucket `mail`. Use as a context manager."""

    bucket = "mail"

    def __init__(self) -> None:
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.requests: list[str] = []  # method and path of each
        self.fault: Fault | None = None
        self.seconds = 0.0  # that each answer waits

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def reach(self, patch: pytest.MonkeyPatch) -> None:
        """From this process."""
        for name, value in self.environment.items():
            patch.setenv(name, value)
        storage._filesystem.cache_clear()  # of an earlier server

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.requests.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        time.sleep(self.seconds)
        fault = self.fault(environ) if self.fault else None
        if fault is None:
            return self._app(environ, start_response)
        status, body = fault
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    def put(self, key: str, content: bytes) -> str:
        """Stores an object; its URL."""
        self._client.put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def get(self, key: str) -> bytes:
        content: bytes = self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def remove(self, key: str) -> None:
        self._client.delete_object(Bucket=self.bucket, Key=key)

    def objects(self) -> list[str]:
        """Of all objects; what ends in a slash is no object, but how some programs show a folder."""
        listed = self._client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [each["Key"] for each in listed if not each["Key"].endswith("/")]

    def clear(self) -> None:
        for key in self.objects():
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def __enter__(self) -> "Storage":
        import boto3

        self._app = DomainDispatcherApplication(create_backend_app)
        self._thread.start()
        urllib3.request("POST", f"{self.url}/moto-api/reset")  # a process has one store
        known = {
            name.lower(): value
            for name, value in self.environment.items()
            if name.startswith(("AWS_ACCESS", "AWS_SECRET"))
        }
        self._client = boto3.client("s3", endpoint_url=self.url, region_name="us-east-1", **known)
        self._client.create_bucket(Bucket=self.bucket)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
