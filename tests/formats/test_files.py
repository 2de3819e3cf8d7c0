"""Files wherever they are: names that are taken for URLs, and objects whose bytes are those that were stored."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.errors import ChangedError, InputError
from formats.files import stored
from formats.files.listing import look, matching
from formats.files.location import Url, locate
from formats.files.open import open_file
from formats.files.storage import reporting
from tests.support.storage import BUSY, DENIED, Storage

CONTENT = random.Random(7).randbytes(100_000)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    with Storage() as storage:
        storage.reach(monkeypatch)
        yield storage


def test_a_pipe_is_no_file_and_nobody_waits_for_what_is_written_into_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        open_file(tmp_path / "pipe")


def test_a_text_is_a_url_or_a_path() -> None:
    assert locate("s3://mail/in/night.csv") == Url("s3", "mail", "in/night.csv")
    assert locate("S3://mail/in/") == Url("s3", "mail", "in")
    assert locate("in/s3:/night.csv") == Path("in/s3:/night.csv")
    assert str(locate("s3://mail")) == "s3://mail"
    url = locate("s3://mail/in/night 1.csv")
    assert (url.name, url.stem, url.suffix) == ("night 1.csv", "night 1", ".csv")


@pytest.mark.parametrize(
    "text",
    [
        "http://mail/x", "az://mail/x", "file:///etc/passwd", "s3://", "s3:///x", "s3://Mail/x", "s3://m/x", "s3://mail:80/x",
        "s3://mail/../x", "s3://mail//x", "s3://mail/./x", "s3://mail/a/..",
    ],
)  # fmt: skip
def test_what_is_no_object_storage_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as refused:
        locate(text)
    assert "\n" not in str(refused.value)


def test_a_secret_in_a_url_is_not_shown() -> None:
    with pytest.raises(InputError) as refused:
        locate("s3://key:secret@mail/x")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("When getting information for key 'x' in bucket 'y': AWS Error ACCESS_DENIED during HeadObject operation: No "
         "response body.", "access is denied"),
        ("AWS Error UNKNOWN (HTTP status 301) during HeadObject operation: No response body.",
         "the server answered with HTTP status 301"),
        ("google::cloud::Status(UNAVAILABLE: Retry policy exhausted, with a last message of x", "the server can't be "
         "reached"),
        ("google::cloud::Status(PERMISSION_DENIED: Permanent error", "access is denied"),
        ("two\nlines of something", "two lines of something"),
    ],
)  # fmt: skip
def test_what_a_storages_library_says_is_one_short_reason(text: str, reason: str) -> None:
    with pytest.raises(InputError) as refused, reporting(Url("s3", "mail", "x")):
        raise OSError(text)
    assert str(refused.value) == f"s3://mail/x: {reason}"


def test_below_a_prefix_is_what_has_it_as_whole_steps() -> None:
    prefix = Url("s3", "mail", "in")
    assert Url("s3", "mail", "in/x").is_below(prefix)
    assert Url("s3", "mail", "x").is_below(Url("s3", "mail", ""))
    for other in (Url("s3", "mail", "inside/x"), Url("s3", "other", "in/x"), prefix):
        assert not other.is_below(prefix)


def test_any_bytes_of_an_object_are_those_that_were_stored(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows are fetched ahead and dropped; small ones here, so that most reads cross their edges."""
    monkeypatch.setattr(stored, "WINDOW_BYTES", 1000)
    file = open_file(locate(storage.put("in.bin", CONTENT)))
    assert (file.size, bool(file.version)) == (len(CONTENT), True)
    chance = random.Random(1)
    for _ in range(60):
        offset, length = chance.randrange(len(CONTENT) + 10), chance.randrange(5000)
        if chance.random() < 0.3:
            file.will_read(offset)
        assert file.read(offset, length) == CONTENT[offset : offset + length]
    assert file.unchanged()
    file.close()


def test_what_will_be_read_is_fetched_once(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "WINDOW_BYTES", 10_000)
    file = open_file(locate(storage.put("in.bin", CONTENT)))
    storage.requests.clear()
    for offset in range(0, len(CONTENT), 2_500):
        file.will_read(offset)
        file.read(offset, 2_500)
    assert storage.requests == ["GET /mail/in.bin"] * 10
    file.close()


@pytest.mark.parametrize("now", [CONTENT[:-1], CONTENT[:50_000] + b"x" + CONTENT[50_001:], None])
def test_an_object_that_was_replaced_or_removed_is_not_the_same(storage: Storage, now: bytes | None) -> None:
    file = open_file(locate(storage.put("in.bin", CONTENT)))
    if now is None:
        storage.remove("in.bin")
    else:
        storage.put("in.bin", now)
    assert not file.unchanged()
    if now is None:
        with pytest.raises(ChangedError):
            file.read(0, len(CONTENT))
    file.close()


def test_the_same_bytes_stored_again_are_the_same_version(storage: Storage) -> None:
    file = open_file(locate(storage.put("in.bin", CONTENT)))
    storage.put("in.bin", CONTENT)
    assert file.unchanged()
    file.close()


PATTERNS = [
    "*.csv", "in/*.csv", "in/**/*.csv", "**/*.csv", "in/m-2027-0?-*.csv", "in/[ab].csv", "in/[!a].csv", "in/*/a.csv",
    "*/a.csv", "in/a.csv", "in/none.csv", "none/*", "in/**", "**", "in/*", "i*/**/d*/*",
]  # fmt: skip


def test_a_pattern_finds_of_objects_what_it_finds_of_files(storage: Storage, tmp_path: Path) -> None:
    names = [
        "a.csv", "in/a.csv", "in/b.csv", "in/c.txt", "in/m-2027-05-04.csv", "in/deep/a.csv", "in/deep/er/a.csv",
        "out/a.csv", "in/.hidden.csv", "in.csv/a.csv", "in/a b.csv", ".nightshift/a.csv", "in/.deep/a.csv",
    ]  # fmt: skip
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        storage.put(name, b"x")
    for pattern in PATTERNS:
        files = [str(Path(str(each)).relative_to(tmp_path)) for each in matching(f"{tmp_path}/{pattern}")]
        objects = [str(each).removeprefix("s3://mail/") for each in matching(f"s3://mail/{pattern}")]
        assert objects == files, pattern
    found = look(locate("s3://mail/in/a.csv"))
    assert found is not None
    assert found.size == 1
    assert look(locate("s3://mail/in")) is None
    assert look(locate("s3://mail/none")) is None


def test_a_server_that_is_busy_for_a_while_is_asked_again(storage: Storage) -> None:
    url = locate(storage.put("in.bin", CONTENT))
    refusals = 1

    def busy(_: dict[str, object]) -> tuple[str, bytes] | None:
        nonlocal refusals
        refusals -= 1
        return BUSY if refusals >= 0 else None

    storage.fault = busy
    file = open_file(url)
    refusals = 2
    assert file.read(0, len(CONTENT)) == CONTENT
    file.close()


def test_what_the_storage_refuses_is_said_in_one_line(storage: Storage) -> None:
    url = storage.put("in.bin", CONTENT)
    with pytest.raises(InputError, match="no such object"):
        open_file(locate("s3://mail/none.csv"))
    with pytest.raises(InputError, match="no such"):
        open_file(locate("s3://elsewhere/none.csv"))
    file = open_file(locate(url))
    storage.fault = lambda _: DENIED
    with pytest.raises(InputError) as denied:
        open_file(locate(url))
    assert str(denied.value) == f"{url}: access is denied"
    with pytest.raises(InputError, match="access is denied"):
        file.read(0, 10)
    storage.fault = None
    assert file.read(0, 10) == CONTENT[:10], "what failed once may be asked for again"
    file.close()
