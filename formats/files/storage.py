"""Object storage by pyarrow.fs, set up by Amazon's and Google's usual variables.

For `s3://` credentials come from where the AWS SDK looks for them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a
profile, or the host's role. AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL names another server than Amazon's, AWS_REGION or
AWS_DEFAULT_REGION the region. For `gs://` they are Google's default ones (GOOGLE_APPLICATION_CREDENTIALS, or those of
the host); STORAGE_EMULATOR_HOST names an emulator, which wants none. Either SDK tries again by itself, with growing
pauses, what a server refuses for the moment.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from formats.errors import InputError, NightshiftError
from formats.files.location import Url

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

ATTEMPTS, RETRY_SECONDS = 6, 15.0  # of one request: so many attempts take about so long
CONNECT_SECONDS, REQUEST_SECONDS = 5.0, 60.0
# What a request that failed is about, as the SDK names it, and what that is for people.
_REASONS = {
    "ACCESS_DENIED": "access is denied",
    "INVALID_ACCESS_KEY_ID": "the access key is not known there",
    "SIGNATURE_DOES_NOT_MATCH": "the secret key is not that of the access key",
    "NO_SUCH_BUCKET": "no such bucket",
    "NO_SUCH_KEY": "no such object",
    "NETWORK_CONNECTION": "the server can't be reached",
    "SLOW_DOWN": "the server asks to slow down",
    "SERVICE_UNAVAILABLE": "the server is overloaded",
    "REQUEST_TIMEOUT": "the server does not answer in time",
    "INTERNAL_FAILURE": "the server broke off",
    "PERMISSION_DENIED": "access is denied",  # from here on, Google's
    "UNAUTHENTICATED": "access is denied",
    "NOT_FOUND": "no such object",
    "UNAVAILABLE": "the server can't be reached",
    "DEADLINE_EXCEEDED": "the server does not answer in time",
}
_CODE = re.compile(r"(?:AWS Error |google::cloud::Status\()([A-Z_]+)")
_STATUS = re.compile(r"HTTP [Ss]tatus(?: code)?:? *(\d{3})")


def filesystem(url: Url) -> "FileSystem":
    """What the URL's object is reached by: one a bucket and process, since its threads don't survive a fork. Raises
    InputError if it can't be set up."""
    with reporting(url):
        return _filesystem(url.scheme, url.bucket, os.getpid())


@lru_cache(maxsize=8)
def _filesystem(scheme: str, bucket: str, _pid: int) -> "FileSystem":
    return _google() if scheme == "gs" else _amazon(bucket)


def _google() -> "FileSystem":
    from pyarrow import fs

    emulator = urlsplit(os.environ.get("STORAGE_EMULATOR_HOST", ""))
    limit = timedelta(seconds=RETRY_SECONDS)
    if emulator.netloc:
        return fs.GcsFileSystem(
            anonymous=True, scheme=emulator.scheme, endpoint_override=emulator.netloc, retry_time_limit=limit
        )
    return fs.GcsFileSystem(retry_time_limit=limit)


def _amazon(bucket: str) -> "FileSystem":
    from pyarrow import fs  # it starts the SDK's threads

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    server = urlsplit(endpoint) if endpoint else None
    if server and not (server.scheme in ("http", "https") and server.netloc):
        raise InputError("AWS_ENDPOINT_URL must be an http:// or https:// URL")
    if not region:
        region = "us-east-1" if server else fs.resolve_s3_region(bucket)
    return fs.S3FileSystem(
        region=region,
        endpoint_override=server.netloc if server else None,
        scheme=server.scheme if server else "https",
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        background_writes=False,
        allow_delayed_open=True,  # what is small is one request
    )


@contextlib.contextmanager
def reporting(url: Url, kind: type[NightshiftError] = InputError) -> Iterator[None]:
    """Raises, for what the storage says within the block, an error of that kind with one line of it."""
    try:
        yield
    except FileNotFoundError as error:
        raise kind(f"{url}: no such object") from error
    except OSError as error:
        raise kind(f"{url}: {_reason(str(error))}") from error


def _reason(text: str) -> str:
    """The SDK's text has paragraphs, and names of keys and hosts."""
    code = _CODE.search(text)
    if code and code[1] in _REASONS:
        return _REASONS[code[1]]
    status = _STATUS.search(text)
    if status:
        return f"the server answered with HTTP status {status[1]}"
    return code[1].lower().replace("_", " ") if code else " ".join(text.split())[:200]
