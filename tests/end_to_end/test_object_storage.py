"""Input in object storage, by a real HTTP server: whoever reads it, and whatever the server does, the files are those
that the same input on a disk gives."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.command import Run, producer
from tests.support.farm import Farm, end_farm, make_farm
from tests.support.storage import BUSY, DENIED, Storage

MESSAGES = ROOT / "data" / "messages.csv"
SMALL = "--batch-bytes", 60_000
KEY = "in/messages.csv"


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with Storage() as storage:
        yield storage


@pytest.fixture(autouse=True)
def fresh(storage: Storage) -> None:
    storage.fault, storage.seconds = None, 0.0
    storage.put(KEY, MESSAGES.read_bytes())


@pytest.fixture(scope="module")
def site(storage: Storage) -> Iterator[Farm]:
    """With workers that were told of the bucket."""
    farm = make_farm()
    farm.start_worker("told", 2, NIGHTSHIFT_DATA="s3://mail", **storage.environment).ready()
    yield farm
    end_farm(farm)


@pytest.fixture(scope="module")
def reference(site: Farm, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The scores of the same file on a disk."""
    path = Path(shutil.copy(MESSAGES, tmp_path_factory.mktemp("disk")))
    output = path.with_name("scores.csv")
    assert site.producer("enqueue", path, "--output", output).code == 0
    return output.read_bytes()


def enqueue(site: Farm, storage: Storage, output: Path, *words: object, data: str = "s3://mail", key: str = KEY) -> Run:
    told = {"NIGHTSHIFT_DATA": data} if data else {}
    words = ("--output", output, "--json", *SMALL, *words)
    return site.producer("enqueue", f"s3://mail/{key}", *words, **told, **storage.environment)


@pytest.mark.parametrize("data", ["s3://mail", ""], ids=["reference", "server"])
def test_the_scores_are_those_of_the_same_file_on_a_disk(
    site: Farm, storage: Storage, reference: bytes, tmp_path: Path, data: str
) -> None:
    output = tmp_path / "scores.csv"
    run = enqueue(site, storage, output, "--again", data=data)
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert (receipt["by_reference"], receipt["agrees"], receipt["input"]) == (bool(data), True, f"s3://mail/{KEY}")
    assert output.read_bytes() == reference
    assert storage.keys() == [KEY], "no part is left"
    again = enqueue(site, storage, output, data=data)
    assert again.code == 0, again.err
    proof = site.producer("verify", output, **storage.environment)
    assert proof.code == 0, proof.out
    assert "note" not in proof.out, "the input is compared, too"


def test_what_was_scored_is_known_by_its_version(site: Farm, storage: Storage, tmp_path: Path) -> None:
    """The same bytes stored again are the same job; others are another, and the old receipt says so."""
    output, other = tmp_path / "scores.csv", tmp_path / "other.csv"
    first = json.loads(enqueue(site, storage, output).out)["job"]
    storage.put(KEY, MESSAGES.read_bytes())
    assert json.loads(enqueue(site, storage, output).out)["job"] == first
    storage.put(KEY, MESSAGES.read_bytes().replace(b"a", b"b", 1000))
    assert "has changed since" in site.producer("verify", output, **storage.environment).out
    changed = enqueue(site, storage, other)
    assert json.loads(changed.out)["job"] != first
    assert other.read_bytes() != output.read_bytes()


@pytest.mark.slow
def test_an_embedded_server_and_its_workers_read_it_themselves(
    storage: Storage, reference: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    output = tmp_path / "scores.csv"
    run = producer(tmp_path, "enqueue", f"s3://mail/{KEY}", "--output", output, "--json", "--workers", 2)
    assert run.code == 0, run.err
    assert json.loads(run.out)["by_reference"]
    assert output.read_bytes() == reference


@pytest.mark.parametrize("data", ["s3://mail", ""], ids=["reference", "server"])
def test_an_object_that_is_replaced_in_the_middle_ends_the_job(
    site: Farm, storage: Storage, tmp_path: Path, data: str
) -> None:
    """By another of the same size, at the second moment at which it is read."""
    content, reads = MESSAGES.read_bytes(), 0

    def replace(environ: dict[str, object]) -> None:
        nonlocal reads
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("GET", f"/mail/{KEY}"):
            reads += 1
            if reads == 2:
                storage.fault = None
                storage.put(KEY, content.replace(b"e", b"o"))

    storage.fault = replace
    words = ("--again",) if data else ("--again", "--batch-bytes", 10_000)
    run = enqueue(site, storage, tmp_path / "scores.csv", *words, data=data)
    if run.code == 0:  # it was read whole before: of that version are the scores, then
        assert reads < 2
    else:
        assert run.code == 1
        assert "changed" in run.err or "not what was enqueued" in run.err, run.err
        assert not (tmp_path / "scores.csv").exists()


def test_a_storm_of_refusals_and_a_slow_server_change_nothing(
    site: Farm, storage: Storage, reference: bytes, tmp_path: Path
) -> None:
    requests = 0

    def storm(_: dict[str, object]) -> tuple[str, bytes] | None:
        nonlocal requests
        requests += 1
        return BUSY if requests % 4 == 0 else None

    storage.fault, storage.seconds = storm, 0.02
    output = tmp_path / "scores.csv"
    run = enqueue(site, storage, output, "--again", "--batch-bytes", 300_000)
    assert run.code == 0, run.err
    assert requests > 12
    assert output.read_bytes() == reference
    storage.fault = None
    assert storage.keys() == [KEY]


def test_workers_that_are_refused_leave_the_batches_until_they_are_let_in(
    site: Farm, storage: Storage, reference: bytes, tmp_path: Path
) -> None:
    refused: list[str] = []

    def deny(environ: dict[str, object]) -> tuple[str, bytes] | None:
        """What is written: the parts."""
        if environ["REQUEST_METHOD"] == "PUT" and str(environ["PATH_INFO"]).endswith(".part") and len(refused) < 3:
            refused.append(str(environ["PATH_INFO"]))
            return DENIED
        return None

    storage.fault = deny
    output = tmp_path / "scores.csv"
    run = enqueue(site, storage, output, "--again", "--batch-bytes", 200_000)
    assert run.code == 0, run.err
    assert len(refused) == 3
    assert "left to other workers" in run.err
    assert "access is denied" in run.err
    assert output.read_bytes() == reference


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("s3://mail/none.csv", "--output", "x.csv"), "s3://mail/none.csv: no such object"),
        (("s3://elsewhere/x.csv", "--output", "x.csv"), "s3://elsewhere/x.csv: no such"),
        (("s3://key:hidden@mail/x.csv", "--output", "x.csv"), "by no user or port"),
        (("gopher://mail/x.csv", "--output", "x.csv"), "no object storage that is known here"),
        ((f"s3://mail/{KEY}", "--wait"), "name an --output"),
        ((f"s3://mail/{KEY}", "--output", "s3://mail/x.csv"), "not to object storage"),
    ],
)
def test_what_can_not_be_read_or_written_is_said_in_one_line(
    site: Farm, storage: Storage, words: tuple[str, ...], reason: str
) -> None:
    run = site.producer("enqueue", *words, **storage.environment)
    assert run.code == 1
    assert reason in run.err
    assert "hidden" not in run.err
    assert run.err.count("\n") == 1
