"""Input in object storage, by a real HTTP server: whoever reads it, and whatever the server does, the files are those
that the same input on a disk gives."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support import ROOT, until
from tests.support.command import producer
from tests.support.farm import Farm, end_farm, make_farm
from tests.support.run import Run
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
    """A job that failed leaves its parts until it is forgotten or begun again: they are another test's."""
    storage.fault, storage.seconds = None, 0.0
    storage.clear()
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
    until(lambda: storage.objects() == [KEY], 30)  # no part is left, once who came second has swept its own
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
    """By another of the same size, once a worker or the producer reads on: its dialect and its header were read."""
    content, reads = MESSAGES.read_bytes(), 0

    def replace(environ: dict[str, object]) -> None:
        nonlocal reads
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("GET", f"/mail/{KEY}"):
            reads += 1
            if reads == 3:
                storage.fault = None
                storage.put(KEY, content.replace(b"e", b"o"))

    storage.fault = replace
    words = ("--again",) if data else ("--again", "--batch-bytes", 10_000)
    run = enqueue(site, storage, tmp_path / "scores.csv", *words, data=data)
    if run.code == 0:  # it was read whole before: of that version are the scores, then
        assert reads < 3
    else:
        assert run.code == 1
        assert "changed" in run.err or "not what was enqueued" in run.err, run.err
        assert not (tmp_path / "scores.csv").exists()


@pytest.mark.slow
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
    assert storage.objects() == [KEY]


@pytest.mark.slow
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


def test_scores_are_stored_with_rejects_and_receipt_and_are_proven_there(
    site: Farm, storage: Storage, reference: bytes, tmp_path: Path
) -> None:
    told = {**storage.environment, "NIGHTSHIFT_DATA": "s3://mail", "NIGHTSHIFT_HOME": str(tmp_path)}
    words = "enqueue", f"s3://mail/{KEY}", "--wait", "--json", *SMALL
    run = site.producer(*words, "--again", **told)
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    beside = [f"in/messages.scores{end}" for end in (".csv", ".receipt.json", ".rejects.csv")]
    assert receipt["output"] == f"s3://mail/{beside[0]}"
    until(lambda: storage.objects() == [KEY, *beside], 30)  # a worker that came second sweeps its own part
    assert storage.get(beside[0]) == reference
    assert json.loads(storage.get(beside[1]))["receipt"]["output"] == receipt["output"]
    proof = site.producer("verify", receipt["output"], **told)
    assert (proof.code, "is right" in proof.out) == (0, True), proof.out + proof.err
    storage.put(beside[0], reference.replace(b"0", b"1", 1))
    assert site.producer("verify", receipt["output"], **told).code == 1
    # Again, elsewhere, and where it was: whatever lies there is replaced whole.
    other = site.producer("collect", receipt["job"], "--output", "s3://mail/out/deep/a.csv", "--quiet", **told)
    assert other.code == 0, other.err
    assert storage.get("out/deep/a.csv") == reference
    assert site.producer("collect", receipt["job"], "--output", receipt["output"], **told).code == 0
    assert storage.get(beside[0]) == reference
    deeper = site.producer("collect", receipt["job"], "--output", "s3://mail/out/deep/a.csv/b.csv", "--quiet", **told)
    assert deeper.code == 0, "its key goes on where another ends: " + deeper.err
    # As parts.
    for _ in range(2):
        assert site.producer("collect", receipt["job"], "--output", "s3://mail/parts/", "--quiet", **told).code == 0
    assert storage.get("parts/part-00000.csv") == reference
    assert "parts/_SUCCESS" in storage.objects()
    assert site.producer("verify", "s3://mail/parts/", **told).code == 0


def test_a_model_with_words_beside_it_and_a_retry_with_a_mended_one(
    site: Farm, storage: Storage, xy_model: Path, tmp_path: Path
) -> None:
    storage.put("models/xy.pb", xy_model.read_bytes())
    storage.put("models/xy.toml", b'[feed]\nx = "a"\ny = "b"\n')
    storage.put("points.csv", b"a,b\n1,2\n3,4\n5,six\n")
    told = {**storage.environment, "NIGHTSHIFT_HOME": str(tmp_path)}
    words = "--model", "s3://mail/models/xy.pb", "--wait", "--json"
    run = site.producer("enqueue", "s3://mail/points.csv", *words, **told)
    assert run.code == 0, run.err
    assert storage.get("points.scores.csv") == b"record,op_to_store\n1,3\n2,13\n"
    storage.put("models/xy.toml", b'[feed]\nx = "a"\ny = "a"\n')
    again = site.producer("retry", json.loads(run.out)["job"], *words[:2], "--json", **told)
    assert again.code == 0, again.err
    assert storage.get("points.scores.csv") == b"record,op_to_store\n1,3\n2,13\n3,26\n"
    assert site.producer("verify", "s3://mail/points.scores.csv", **told).code == 0


def test_a_schedule_finds_tonights_object_and_scores_it_once(
    site: Farm, storage: Storage, reference: bytes, tmp_path: Path
) -> None:
    key = f"nightly/messages-{datetime.now().astimezone():%Y-%m-%d}"
    storage.put(f"{key}.csv", MESSAGES.read_bytes())
    told = {**storage.environment, "NIGHTSHIFT_HOME": str(tmp_path)}
    words = "nightly", "s3://mail/nightly/messages-{date}.csv", "--once", "--settle", 1, "--timezone", "UTC", "--json"

    def look() -> list[str]:
        run = site.producer(*words, **told)
        assert run.code == 0, run.err
        return [json.loads(line)["state"] for line in run.out.splitlines()]

    assert look()[-1] == "complete"
    assert storage.get(f"{key}.scores.csv") == reference
    assert look() == ["done"]
    storage.remove(f"{key}.scores.csv")
    assert look()[-1] == "complete", "what is on the disk is not what is wanted"
    assert storage.get(f"{key}.scores.csv") == reference
    content = MESSAGES.read_bytes()
    storage.put(f"{key}.csv", content[: content.rindex(b"\n", 0, 500_000) + 1])
    assert look()[-1] == "complete", "another object"
    assert reference.startswith(storage.get(f"{key}.scores.csv"))
    assert site.producer("verify", f"s3://mail/{key}.scores.csv", **told).code == 0


@pytest.mark.slow
def test_scores_that_could_not_be_stored_are_stored_by_the_same_command(
    site: Farm, storage: Storage, reference: bytes, tmp_path: Path
) -> None:
    def deny(environ: dict[str, object]) -> tuple[str, bytes] | None:
        return DENIED if environ["REQUEST_METHOD"] == "PUT" and "late.csv" in str(environ["PATH_INFO"]) else None

    told = {**storage.environment, "NIGHTSHIFT_HOME": str(tmp_path)}
    words = "enqueue", f"s3://mail/{KEY}", "--output", "s3://mail/late.csv", "--json", *SMALL
    storage.fault = deny
    run = site.producer(*words, **told)
    assert run.code == 1
    assert run.err.splitlines()[-1] == "producer: s3://mail/late.csv: access is denied"
    assert "late.csv" not in storage.objects()
    storage.fault = None
    again = site.producer(*words, **told)
    assert again.code == 0, again.err
    assert json.loads(again.out)["attempts"] == json.loads(again.out)["batches"], "nothing was scored twice"
    assert storage.get("late.csv") == reference


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("s3://mail/none.csv", "--output", "x.csv"), "s3://mail/none.csv: no such object"),
        (("s3://elsewhere/x.csv", "--output", "x.csv"), "s3://elsewhere/x.csv: no such"),
        (("s3://key:hidden@mail/x.csv", "--output", "x.csv"), "by no user or port"),
        (("gopher://mail/x.csv", "--output", "x.csv"), "no object storage that is known here"),
        ((f"s3://mail/{KEY}", "--output", f"s3://mail/{KEY}"), "is the input"),
        ((f"s3://mail/{KEY}", "--output", "s3://mail"), "is a bucket"),
        ((f"s3://mail/{KEY}", "--output", "s3://"), "a bucket's name and a key"),
        (("nightly", "--output", "s3://mail/{stem}/"), "writes a file a night"),
    ],
)
def test_what_can_not_be_read_or_written_is_said_in_one_line(
    site: Farm, storage: Storage, words: tuple[str, ...], reason: str
) -> None:
    words = ("nightly", "s3://mail/in/*.csv", *words[1:]) if words[0] == "nightly" else ("enqueue", *words)
    run = site.producer(*words, **storage.environment)
    assert run.code in (1, 2)
    assert reason in run.err.splitlines()[-1]
    assert "hidden" not in run.err
    assert run.code == 2 or run.err.count("\n") == 1
