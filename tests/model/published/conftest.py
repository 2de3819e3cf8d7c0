"""Small archives in the shape of the published ones, and a publisher: an HTTPS server on this machine."""

import csv
import hashlib
import io
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from model import corpus
from model.published import catalogue
from model.published.catalogue import Collection
from tests.support.tls import Authority

Comment = tuple[str, str]  # its text and its CLASS


def zipped(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()


def comments(rows: Sequence[Comment]) -> bytes:
    """A CSV file as that of one video."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("COMMENT_ID", "AUTHOR", "DATE", "CONTENT", "CLASS"))
    for number, (text, kind) in enumerate(rows):
        writer.writerow((f"z{number}", "Somebody, else", "2014-11-07T06:20:48", text, kind))
    return file.getvalue().encode("utf-8", "surrogateescape")


def holding(collection: Collection, labels: Sequence[bool], texts: Sequence[bytes], url: str = "") -> Collection:
    """The collection, as if these messages were those that were published."""
    data = corpus.Labelled(np.array([*texts, None], dtype=object)[:-1], np.array(labels))
    digest = hashlib.sha256(corpus.as_lines(data)).hexdigest()
    return collection._replace(url=url or collection.url, messages=len(texts), spam=sum(labels), sha256=digest)


class Publisher:
    """Serves `files` by path; `moved` paths lead elsewhere, and `torn` ones break off in the middle."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.torn: set[str] = set()
        self.asked: list[str] = []
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked.append(self.path)
                body = publisher.files.get(self.path, b"")
                moved = publisher.moved.get(self.path)
                self.send_response(301 if moved else 200 if self.path in publisher.files else 404)
                if moved:
                    self.send_header("Location", moved)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if self.path in publisher.torn else body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.authority = Authority(folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self.authority.vouch("publisher", "127.0.0.1"))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """This process trusts its authority, and asks it directly."""
    found = Publisher(tmp_path / "publisher")
    monkeypatch.setenv("SSL_CERT_FILE", str(found.authority.certificate))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield found
    found.close()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Callable[[Collection], None]:
    """Puts a collection into the catalogue, in place of that of its name."""

    def put(collection: Collection) -> None:
        monkeypatch.setitem(catalogue.COLLECTIONS, collection.name, collection)

    return put
