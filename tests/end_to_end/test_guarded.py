"""A server among strangers: users with just their rights, TLS on both sides, workers that take signed models alone."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import producer
from formats.errors import NightshiftError
from graphs.model_signature import ModelSignature, beside
from graphs.signing_keys import make_key, read_private
from jobs import keys
from tests.support import ROOT, Server, Worker, until
from tests.support.command import Run, model
from tests.support.farm import Farm, end_farm
from tests.support.tls import Authority, url

SPAM = ROOT / "data" / "spam.pb"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our key."""
    path = tmp_path_factory.mktemp("keys") / "release"
    make_key(path)
    return path


@pytest.fixture(scope="module")
def guarded(release: Path) -> Iterator[Farm]:
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    farm = Farm(Server(folder, acl=True, tls=True), folder, [])
    farm.start_worker("worker", NIGHTSHIFT_MODEL_KEYS=public(release)).ready()
    yield farm
    end_farm(farm)


@pytest.fixture
def night(tmp_path: Path) -> Path:
    path = tmp_path / "night.csv"
    path.write_text("message_id,text\n" + "".join(f"{number},hello {number}\n" for number in range(200)))
    return path


@pytest.fixture
def spam(tmp_path: Path) -> Path:
    """The shipped model, unsigned."""
    return Path(shutil.copy(SPAM, tmp_path / "spam.pb"))


def other(number: int) -> bytes:
    """Behind a model it makes another file of it, which TensorFlow reads as before: a field that it does not know."""
    return bytes([15 << 3, number])


def public(key: Path) -> str:
    return f"{key}.pub"


def sign(path: Path, key: Path) -> str:
    """The key's id."""
    signature = ModelSignature.make(path.read_bytes(), read_private(key))
    beside(path).write_bytes(signature.encode())
    return signature.key


def failed(run: Run) -> str:
    """Its one line."""
    assert run.code == 1, run.err
    assert len(run.err.strip().splitlines()) == 1, run.err
    return run.err.strip()


def test_a_night_is_scored_by_users_with_just_their_rights_over_tls(
    guarded: Farm, night: Path, spam: Path, release: Path
) -> None:
    """The whole way: nothing is denied on it, and the receipt names who signed the model."""
    key = sign(spam, release)
    words = "enqueue", night, "--model", spam, "--wait", "--quiet", "--json"
    run = guarded.producer(*words, "--require-signature", public(release))
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert (receipt["state"], receipt["scored"], receipt["signer"]) == ("complete", 200, key)
    beside_it = json.loads(night.with_name("night.scores.receipt.json").read_text())
    assert beside_it["receipt"]["signer"] == key
    shown = guarded.producer("status", receipt["job"])
    assert f"signed by the key {key}" in shown.out
    for command in (("forget", receipt["job"]), ("status",)):
        assert guarded.producer(*command).code == 0
    assert guarded.server.denied() == []


def test_a_client_without_a_certificate_or_by_another_authority_does_not_get_in(guarded: Farm, tmp_path: Path) -> None:
    """And no client takes another for the server."""
    server, strangers = guarded.server, Authority(tmp_path / "strangers")
    port = int(re.search(r"127.0.0.1:(\d+)", server.url)[1])  # type: ignore[index]
    ours = server.authority
    for wrong in (
        url(port, ours.certificate, None),
        url(port, ours.certificate, strangers.vouch("stranger")),
        url(port, strangers.certificate, ours.vouch("second")),
        url(port, ours.certificate, ours.vouch("third"), host="localhost"),  # the certificate is of 127.0.0.1
    ):
        line = failed(guarded.producer("status", REDIS_URL=server.url_of("producer", wrong)))
        assert "no answer from rediss://" in line
        assert "p" * 64 not in line
    right = server.url_of("producer", url(port, ours.certificate, ours.vouch("fourth")))
    assert guarded.producer("status", REDIS_URL=right).code == 0


def test_with_a_workers_password_nobody_enqueues(guarded: Farm, night: Path, spam: Path, release: Path) -> None:
    sign(spam, release)
    run = guarded.producer("enqueue", night, "--model", spam, "--wait", REDIS_URL=guarded.server.worker_url)
    assert "does not give its user 'worker' what a producer needs: " in failed(run)
    assert guarded.ledger.job_ids() == []


# Signed models


def test_a_producer_sends_no_model_that_its_key_did_not_sign(
    guarded: Farm, night: Path, spam: Path, release: Path, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger"
    make_key(stranger)
    words = "enqueue", night, "--model", spam, "--wait", "--require-signature", public(release)
    assert "spam.pb is not signed" in failed(guarded.producer(*words))
    sign(spam, stranger)
    assert re.search(r"spam.pb is signed by the key \w{16}; trusted is \w{16}$", failed(guarded.producer(*words)))
    sign(spam, release)
    spam.write_bytes(spam.read_bytes() + other(4))
    assert "spam.pb is not the file that was signed" in failed(guarded.producer(*words))
    beside(spam).write_text("{}")
    assert "spam.pb.sig: it is no signature" in failed(guarded.producer(*words))
    assert "is a private key" in failed(guarded.producer(*words[:-1], release))
    plan = guarded.producer("plan", night, "--model", spam, NIGHTSHIFT_MODEL_KEYS=public(release))
    assert plan.code == 1, "the setting holds for every command that takes a model"
    assert "it is no signature" in " ".join((plan.out + plan.err).split())
    assert guarded.ledger.job_ids() == []
    assert not guarded.server.redis.keys("nightshift:model:*")


def test_in_python_it_is_an_error(night: Path, spam: Path, release: Path) -> None:
    """Before anything is started: there is no server here."""
    with pytest.raises(NightshiftError, match=r"spam.pb is not signed"):
        producer.enqueue(night, model=spam, require_signature=public(release))


@pytest.mark.parametrize("how", ["no signature", "another key's", "of another model"])
def test_a_worker_with_keys_opens_no_other_model(
    guarded: Farm, night: Path, spam: Path, release: Path, tmp_path: Path, how: str
) -> None:
    """Whatever the producer thinks of it: the model is refused before it is parsed."""
    make_key(tmp_path / "stranger")
    more = {"no signature": 1, "another key's": 2, "of another model": 3}[how]
    spam.write_bytes(spam.read_bytes() + other(more))
    if how == "another key's":
        sign(spam, tmp_path / "stranger")
    if how == "of another model":
        sign(Path(shutil.copy(SPAM, tmp_path / "other.pb")), release)
        signature = json.loads(beside(tmp_path / "other.pb").read_text())
        digest = ModelSignature.make(spam.read_bytes(), read_private(release)).sha256
        beside(spam).write_text(json.dumps({**signature, "sha256": digest}))
    before = guarded.workers[0].sessions()
    line = failed(guarded.producer("enqueue", night, "--model", spam, "--wait", "--quiet"))
    why = {
        "no signature": "is not signed",
        "another key's": "is signed by the key",
        "of another model": "has a signature that the key",
    }
    assert re.search(rf"the model \w{{12}} {why[how]}.*, and this worker takes signed ones alone", line), line
    assert guarded.workers[0].sessions() == before


def test_a_model_that_was_altered_on_the_server_is_not_opened(
    guarded: Farm, night: Path, spam: Path, release: Path
) -> None:
    """By somebody who has the server itself: the bytes are not those of the digest that is signed."""
    spam.write_bytes(spam.read_bytes() + other(5))
    sign(spam, release)
    digest = ModelSignature.decode(beside(spam).read_bytes()).sha256
    guarded.server.redis.set(keys.model(digest), SPAM.read_bytes())
    line = failed(guarded.producer("enqueue", night, "--model", spam, "--wait", "--quiet"))
    assert "its digest differs" in line


def test_a_retry_takes_signed_models_too(guarded: Farm, spam: Path, release: Path, tmp_path: Path) -> None:
    """Its own model with the signature that is on the server, another with the one beside it."""
    path = tmp_path / "broken.csv"
    path.write_bytes(b"message_id,text\n1,hello\n2," + b"x" * 3000 + b"\n")
    key = sign(spam, release)
    words = "enqueue", path, "--model", spam, "--wait", "--quiet", "--json"
    run = guarded.producer(*words, NIGHTSHIFT_MAX_RECORD_BYTES="1000")
    assert (run.code, json.loads(run.out)["rejected"]) == (0, 1), run.err
    job = json.loads(run.out)["job"]
    trusting = {"NIGHTSHIFT_MODEL_KEYS": public(release), "NIGHTSHIFT_MAX_RECORD_BYTES": "10000"}
    mended = tmp_path / "mended.pb"
    mended.write_bytes(SPAM.read_bytes() + other(7))
    assert "mended.pb is not signed" in failed(guarded.producer("retry", job, "--model", mended, "--quiet", **trusting))
    run = guarded.producer("retry", job, "--quiet", "--json", **trusting)
    assert (run.code, json.loads(run.out)["rejected"]) == (0, 0), run.err
    assert json.loads(run.out)["signer"] == key


def test_model_sign_and_inspect_are_how_it_is_done(tmp_path: Path, spam: Path) -> None:
    made = model(tmp_path, "key", "release")
    key = made.out.split()[0]
    assert (made.code, (tmp_path / "release").stat().st_mode & 0o777) == (0, 0o600)
    again = model(tmp_path, "key", "release")
    assert (again.code, again.err) == (1, "model: release: File exists\n")
    assert model(tmp_path, "sign", "spam.pb", "--key", "release").out == f"{key}  spam.pb.sig\n"
    assert f"signed by the key {key}\n" in model(tmp_path, "inspect", "spam.pb").out
    told = json.loads(model(tmp_path, "inspect", "spam.pb", "--json", "--keys", "release.pub").out)
    assert told["signature"] == {"key": key, "holds": True, "trusted": True}
    wrong = model(tmp_path, "sign", "release.pub", "--key", "release")
    assert wrong.code == 1
    assert "no frozen graph" in wrong.err


# What is denied


def worker_line(farm: Farm, user: str, **environment: str) -> tuple[int, str]:
    """How a worker of that user ends, and its last line."""
    worker = Worker(user, farm.folder / "half.log", **environment)
    until(lambda: worker.process.poll() is not None, 60)
    lines = worker.log.read_text().strip().splitlines()
    return worker.process.returncode, lines[-1]


@pytest.mark.slow
def test_a_worker_without_its_rights_says_which_and_ends(guarded: Farm) -> None:
    rules = "on", ">" + "h" * 64, "~nightshift:*", "&nightshift:*", "+@all", "-@admin", "-brpop"
    guarded.server.redis.execute_command("acl", "setuser", "half", "reset", *rules)
    user = guarded.server.worker_url.replace("worker:" + "w" * 64, "half:" + "h" * 64)
    code, line = worker_line(guarded, user)
    assert code == 1
    assert line.startswith(
        "worker: the server does not give its user 'half' what a worker needs: brpop on nightshift:batches"
    )
    guarded.server.redis.acl_log_reset()


@pytest.mark.slow
def test_a_worker_with_keys_that_are_none_does_not_start(guarded: Farm, tmp_path: Path) -> None:
    code, line = worker_line(guarded, guarded.server.worker_url, NIGHTSHIFT_MODEL_KEYS=str(tmp_path))
    assert (code, line) == (1, f"worker: NIGHTSHIFT_MODEL_KEYS: {tmp_path}: no public key is there (.pub or .pem)")


def test_a_worker_whose_rights_are_taken_away_says_so_once_and_ends(guarded: Farm) -> None:
    """The last test here: its worker is gone."""
    [worker] = guarded.workers
    guarded.server.redis.execute_command("acl", "setuser", "worker", "-script|load", "-ping", "clearselectors")
    until(lambda: worker.process.poll() is not None, 60)
    guarded.workers.clear()
    assert worker.process.returncode == 1
    critical = [line for line in worker.log.read_text().splitlines() if "CRITICAL" in line]
    assert len(critical) == 1, critical
    assert "ends, since waiting does not help" in critical[0]
    guarded.server.redis.acl_log_reset()
