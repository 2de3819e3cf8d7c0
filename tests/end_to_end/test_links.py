"""Who may write beside our files makes us write nowhere else, and gets nothing that is ours."""

import fcntl
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.errors import NightshiftError
from jobs.errors import ServerError, SettingsError
from jobs.record import Life
from jobs.spool import Spool
from producer.outputs.files import alone
from producer.server.embedded import Embedded
from producer.server.keeper import open_lock
from tests.support import ROOT, Server, Worker, command
from tests.support.checkout import PRODUCER
from tests.support.farm import Farm

OURS, OTHER = 4710, 4711  # users
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def give_away(path: Path) -> None:
    os.chown(path, OTHER, OTHER, follow_symlinks=False)


def theirs(path: Path, content: str) -> None:
    path.write_text(content)
    give_away(path)


WAYS: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, victim: path.symlink_to(victim),
    "second name": lambda path, victim: path.hardlink_to(victim),
    "pipe": lambda path, _: os.mkfifo(path),
    "file of theirs": lambda path, _: theirs(path, ""),
}
as_anybody = [way for way in WAYS if way != "file of theirs" or os.geteuid() == 0]


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    path = tmp_path / "messages.csv"
    path.write_text("id,text\n1,hello\n2\n")
    return path


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("precious")
    return path


@pytest.mark.parametrize("way", as_anybody)
def test_what_stands_where_the_scores_are_made_is_left_alone(
    farm: Farm, messages: Path, victim: Path, tmp_path: Path, way: str
) -> None:
    """The names of files on their way hold the job's incarnation, which a listing of the folder tells everybody."""
    job = farm.producer("enqueue", messages, "--again").out.strip()
    life = farm.ledger.job(job).life
    for name in ("out.csv", "out.rejects.csv"):
        path = tmp_path / f"{name}.{life.incarnation}.partial"
        WAYS[way](path, victim)
        run = farm.producer("collect", job, "--output", tmp_path / "out.csv", timeout=60)
        assert run.code == 1, run.err
        assert str(path) in run.err
        assert victim.read_text() == "precious"
        path.unlink()
    assert farm.producer("collect", job, "--output", tmp_path / "out.csv").code == 0
    assert farm.producer("verify", tmp_path / "out.csv").code == 0


@as_root
@pytest.mark.parametrize("name", ["messages.scores.csv", "messages.rejects.csv", "messages.scores.receipt.json"])
def test_what_is_somebody_elses_is_not_replaced_and_that_is_said_before_anything_is_enqueued(
    farm: Farm, messages: Path, tmp_path: Path, name: str
) -> None:
    name = name.replace("messages.rejects", "messages.scores.rejects")
    theirs(tmp_path / name, "theirs")
    jobs = farm.ledger.job_ids()
    run = farm.producer("enqueue", messages, "--again", "--wait")
    assert run.code == 1
    assert f"{name}: it is another user's (number {OTHER})" in run.err
    assert (tmp_path / name).read_text() == "theirs"
    assert farm.ledger.job_ids() == jobs


def test_links_where_files_appear_are_replaced_and_not_followed(
    farm: Farm, messages: Path, victim: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    beside = [output, *(output.with_suffix(end) for end in (".rejects.csv", ".receipt.json", ".report.html"))]
    for path in beside:
        path.symlink_to(victim)
    run = farm.producer("enqueue", messages, "--output", output, "--json")
    assert run.code == 0, run.err
    run = farm.producer("report", json.loads(run.out)["job"])
    assert run.code == 0, run.err
    assert victim.read_text() == "precious"
    assert not any(path.is_symlink() for path in beside)


def test_a_folder_that_somebody_has_locked_for_good_holds_nobody_up(farm: Farm, messages: Path, tmp_path: Path) -> None:
    """Whoever may look into a folder may lock it."""
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        run = farm.producer("enqueue", messages, "--output", tmp_path / "out.csv", timeout=60)
    finally:
        os.close(handle)
    assert run.code == 0, run.err


@as_root
def test_a_shared_folder_of_roots_is_a_place_for_scores_that_others_may_read(
    farm: Farm, messages: Path, tmp_path: Path
) -> None:
    for name, mode in (("sticky", 0o1777), ("open", 0o777)):
        shared = tmp_path / name
        shared.mkdir()
        shared.chmod(mode)
        run = farm.producer("enqueue", messages, "--output", shared / "out.csv")
        assert run.code == 0, run.err
        assert {stat.S_IMODE(each.stat().st_mode) for each in shared.iterdir()} == {0o666 & ~_umask()}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_all_state_is_ours_alone_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / ".nightshift").mkdir()
    (tmp_path / ".nightshift").chmod(0o755)
    (tmp_path / ".nightshift" / "server.log").touch(0o644)  # as an older version made it
    before = os.umask(0o002)
    try:
        run = command.producer(tmp_path, "status")
    finally:
        os.umask(before)
    assert run.code == 0, run.err
    for path in (tmp_path / ".nightshift", *(tmp_path / ".nightshift").rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


@as_root
@pytest.mark.parametrize("what", ["folder", "link"])
def test_the_home_is_nobody_elses(tmp_path: Path, what: str) -> None:
    home, target = tmp_path / ".nightshift", tmp_path / "target"
    target.mkdir(mode=0o755)
    home.symlink_to(target) if what == "link" else home.mkdir()
    give_away(home)
    with pytest.raises(ServerError, match="another user's"):
        Embedded(home)
    assert not list(target.iterdir())
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


@pytest.mark.parametrize("way", as_anybody)
def test_no_lock_is_taken_on_what_somebody_has_put_there(tmp_path: Path, victim: Path, way: str) -> None:
    WAYS[way](tmp_path / "server.keeper", victim)
    WAYS[way](tmp_path / "scores.csv.lock", victim)
    with pytest.raises(OSError, match="keeper"):
        open_lock(str(tmp_path / "server.keeper"))
    with pytest.raises(OSError, match="lock"), alone(tmp_path / "scores.csv"):
        pass
    assert victim.read_text() == "precious"


LIFE = Life("messages-0123456789abcdef", "0123456789abcdef")
DATA = b"x" * (32 << 10)


def test_nothing_in_a_spool_is_written_through_a_link(tmp_path: Path, victim: Path) -> None:
    spool = Spool(tmp_path / "spool")
    check = bytes(spool.put(LIFE, 0, "payload", DATA))
    [path] = (tmp_path / "spool").iterdir()
    for name in (path.name, f"{path.name}.{os.getpid()}.partial"):
        path.with_name(name).unlink(missing_ok=True)
        path.with_name(name).symlink_to(victim)
    assert spool.get(LIFE, 0, "payload", b"spool:8") is None  # nor read through one
    spool.put(LIFE, 0, "payload", DATA)
    assert spool.get(LIFE, 0, "payload", check) == DATA
    assert victim.read_text() == "precious"


@as_root
def test_what_somebody_elses_spool_says_is_not_scored(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    check = bytes(spool.put(LIFE, 0, "payload", DATA))
    give_away(folder)
    for use in (lambda: spool.put(LIFE, 1, "payload", DATA), lambda: spool.get(LIFE, 0, "payload", check)):
        with pytest.raises(SettingsError, match="another user's"):
            use()
    os.chown(folder, 0, OTHER)
    folder.chmod(0o2770)  # root's, for a group
    assert spool.get(LIFE, 0, "payload", check) == DATA


@as_root
def test_a_retry_clears_nobody_elses_folder_away(farm: Farm, tmp_path: Path) -> None:
    messages = tmp_path / "messages.csv"
    messages.write_bytes(b"id,text\n1,hello\n2,\xff\n")
    run = farm.producer("enqueue", messages, "--wait", "--strict-encoding", "--json")
    room = tmp_path / ".messages.scores.retry"
    room.mkdir()
    theirs(room / "theirs", "theirs")
    give_away(room)
    again = farm.producer("retry", json.loads(run.out)["job"])
    assert again.code == 1, again.err
    assert str(room) in again.err
    assert (room / "theirs").read_text() == "theirs"


def test_what_the_model_command_writes_follows_no_link(tmp_path: Path, victim: Path) -> None:
    from model.quality import mistakes

    path = tmp_path / "errors.csv"
    path.symlink_to(victim)
    mistakes.write([], path)
    assert path.read_text().startswith("kind,")
    assert victim.read_text() == "precious"
    if os.geteuid() == 0:
        theirs(tmp_path / "theirs.csv", "theirs")
        with pytest.raises((OSError, NightshiftError)):
            mistakes.write([], tmp_path / "theirs.csv")
        assert (tmp_path / "theirs.csv").read_text() == "theirs"


@as_root
@pytest.mark.slow
@pytest.mark.parametrize("mode", [0o1777, 0o777], ids=["sticky", "open"])
def test_of_two_users_nothing_of_one_reaches_the_other(tmp_path: Path, mode: int) -> None:
    """One scores in a shared folder, one after the other, while the other does all that two_users.py can think of."""
    try:
        subprocess.run([PRODUCER, "--version"], user=OURS, check=True, capture_output=True)
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip("this interpreter is its user's alone")
    place = Path(tempfile.mkdtemp(prefix="ns-"))
    place.chmod(0o755)
    shared = place / "shared"
    shared.mkdir()
    shared.chmod(mode)
    secret = place / "secret"
    secret.write_text("precious")
    secret.chmod(0o600)
    os.chown(secret, OURS, OURS)
    shutil.copy(ROOT / "data" / "messages.csv", shared / "in.csv")
    os.chown(shared / "in.csv", OURS, OURS)
    server = Server(place, port=_free_port())
    environment = {**command.environment(), "REDIS_URL": f"redis://127.0.0.1:{server.redis.config_get('port')['port']}"}
    worker = Worker(environment["REDIS_URL"], tmp_path / "worker.log").ready()
    script = Path(shutil.copy(Path(__file__).with_name("two_users.py"), place))
    attacker = subprocess.Popen(
        [sys.executable, script, shared, secret, "60"], user=OTHER, group=OTHER, extra_groups=[], cwd="/",
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    ends = []
    try:
        while attacker.poll() is None:
            for words in (["enqueue", "in.csv", "--again", "--wait"], ["status"], ["verify", "in.scores.csv"]):
                run = subprocess.run(
                    [PRODUCER, *words], user=OURS, group=OURS, extra_groups=[], cwd=shared, umask=0o022,
                    env=command.environment() if words == ["status"] else environment,
                    capture_output=True, text=True, timeout=60,
                )  # fmt: skip
                ends.append(run.returncode)
                assert run.returncode in (0, 1), run.stderr
                assert "Traceback" not in run.stderr, run.stderr
                assert secret.read_text() == "precious", words
                assert secret.stat().st_nlink == 1 or mode == 0o777
        assert json.loads(attacker.communicate()[0]) == []
    finally:
        attacker.kill()
        attacker.wait()
        worker.stop()
        server.stop()
    for path in shared.rglob("*"):
        status = path.lstat()
        if status.st_uid == OURS and stat.S_ISREG(status.st_mode) and ".nightshift" in path.parts:
            assert not status.st_mode & 0o077, path
    shutil.rmtree(place)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
