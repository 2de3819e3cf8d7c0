"""A file from the internet into memory: over HTTPS alone, bounded, and with errors that people understand."""

import http.client
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from model.errors import ModelError
from model.published import archives

_SILENCE = 60.0  # seconds without a byte
_CHUNK = 1 << 16


def download(url: str, on_bytes: Callable[[int, int | None], None]) -> bytes:
    """What is at an https address, redirects followed, through the proxy that HTTPS_PROXY names, if it does. `on_bytes`
    hears how many bytes came, and of how many if that is known. Raises ModelError."""
    _check(url)
    opener = urllib.request.build_opener(_ToHttps())
    opener.addheaders = [("User-Agent", "Nightshift")]
    content = bytearray()
    try:
        with opener.open(url, timeout=_SILENCE) as response:
            length = response.headers.get("Content-Length") or ""
            total = int(length) if length.isascii() and length.isdigit() else None
            on_bytes(0, total)
            while chunk := response.read(_CHUNK):
                content += chunk
                if len(content) > archives.MAX_BYTES:
                    raise ModelError(
                        f"{url} has more than {archives.MAX_BYTES:,} bytes: it is not the published archive"
                    )
                on_bytes(len(content), total)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ModelError(f"cannot fetch {url}: {_reason(error)}") from None
    if total is not None and len(content) < total:
        raise ModelError(f"cannot fetch {url}: it broke off after {len(content):,} of {total:,} bytes; try again")
    return bytes(content)


class _ToHttps(urllib.request.HTTPRedirectHandler):
    """Follows a redirect unless it leaves HTTPS."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check(url: str) -> None:
    if urllib.parse.urlsplit(url).scheme != "https":
        raise ModelError(f"{url} is not https")


def _reason(error: Exception) -> str:
    """In words, without the exceptions that each layer wrapped around it."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, socket.gaierror):
        return "the name of its host is not known here"
    if isinstance(error, TimeoutError):
        return f"nothing came for {_SILENCE:.0f} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not valid ({error.verify_message})"
    if isinstance(error, http.client.IncompleteRead):
        return f"it broke off after {len(error.partial):,} bytes of a part; try again"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
