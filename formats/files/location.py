"""Where a file is: a path, or the URL of an object, `s3://bucket/key` or `gs://bucket/key`."""

import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Self

from formats.errors import InputError

SCHEMES = ("s3", "gs")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")  # Amazon's rule, nearly


@dataclass(frozen=True, slots=True)
class Url:
    """An object's, or, for what is below it, a prefix's. `os.fsencode` and `str` give its text, as of a path."""

    scheme: str
    bucket: str
    key: str  # without a slash at either end; empty for the whole bucket

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises InputError for what is no such URL. Whatever stands before the bucket may be a secret: it is not
        shown."""
        match = _URL.fullmatch(text)
        scheme = match[1].lower() if match else ""
        if match is None or scheme not in SCHEMES:
            known = ", ".join(f"{each}://" for each in SCHEMES)
            raise InputError(f"{scheme or 'it'}:// is no object storage that is known here; that is {known}")
        bucket, _, key = match[2].partition("/")
        if not _BUCKET.fullmatch(bucket):
            raise InputError(f"{scheme}:// is followed by a bucket's name and a key, and by no user or port")
        key = key.rstrip("/")
        if key and any(step in ("", ".", "..") for step in key.split("/")):
            raise InputError(f"{scheme}://{bucket}/{key} has a step that is empty, . or ..")
        return cls(scheme, bucket, key)

    @property
    def path(self) -> str:
        """Bucket and key, as pyarrow names them."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    @property
    def name(self) -> str:
        """The key's last step."""
        return PurePosixPath(self.key).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.key).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.key).suffix

    @property
    def parent(self) -> Self:
        """The prefix without the last step."""
        return replace(self, key=self.key.rpartition("/")[0])

    def with_name(self, name: str) -> Self:
        """An object beside it."""
        return replace(self, key=f"{self.parent.key}/{name}".lstrip("/"))

    def resolve(self) -> Self:
        """Itself: nothing in it is relative, and there are no links."""
        return self

    def is_below(self, other: "Url") -> bool:
        """Whether it is an object of that prefix."""
        return (self.scheme, self.bucket) == (other.scheme, other.bucket) and (
            not other.key or self.key.startswith(f"{other.key}/")
        )

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"

    def __fspath__(self) -> str:
        return str(self)


Location = Path | Url


def is_url(text: str) -> bool:
    """Whether it is meant as one: no path on a disk has `://` behind its first letters."""
    return _URL.match(text) is not None


def locate(text: str | Location) -> Location:
    """Raises InputError for a URL of nothing that can be read here."""
    if isinstance(text, Url):
        return text
    return Url.parse(text) if isinstance(text, str) and is_url(text) else Path(text)
