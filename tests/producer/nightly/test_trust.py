"""The schedule looks where others may write: what they put there is no way to have read what only the schedule can."""

import os
import pwd
from datetime import timedelta
from pathlib import Path

import pytest

from formats.errors import InputError
from formats.files.local import LocalFile, reading_only
from jobs.errors import SettingsError
from producer.nightly.trust import ONLY_OURS, Trust
from tests.producer.nightly.place import Place, SimulatedClock
from tests.support.farm import Farm

NOBODY = 65534


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A file that belongs to somebody else."""
    if os.geteuid():
        return Path("/etc/hosts")
    path = tmp_path / "foreign.csv"
    path.write_text("id,text\n1,hello\n")
    os.chown(path, NOBODY, NOBODY)
    return path


def finished(place: Place, name: str) -> Path:
    now = place.clock
    place.clock = SimulatedClock(now.now() - timedelta(hours=1))
    path = place.write(name, ["hello"])
    place.clock = now
    return path


@pytest.mark.parametrize("how", ["a link", "behind one"])
def test_a_link_is_refused_and_nothing_of_what_it_leads_to_is_told(night_farm: Farm, tmp_path: Path, how: str) -> None:
    """`ln -s /etc/shadow in/night.csv`, by somebody who may write there and can't read that."""
    secret = tmp_path / "secret" / "night.csv"
    secret.parent.mkdir()
    secret.write_text("root:$y$j9T$secret:19000:0:99999:7:::\nid,text\n")
    folder = tmp_path / "in" / "eu"
    if how == "a link":
        folder.mkdir(parents=True)
        (folder / "night.csv").symlink_to(secret)
    else:
        folder.parent.mkdir()
        folder.symlink_to(secret.parent)
    os.utime(secret, (0, secret.stat().st_mtime - 3600))
    run = night_farm.producer("nightly", f"{tmp_path}/in/*/*.csv", "--once", "--json", "--settle", "0.2")
    assert run.code == 1
    assert "night.csv: refused, it is a link, or behind one" in run.err
    written = [path for path in (tmp_path / "in").rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in written if path.name != "night.csv"] == []
    assert "$y$" not in run.out + run.err


def test_the_way_to_the_folder_may_lead_through_links(place: Place) -> None:
    """What the operator typed is the operator's: /srv/in may be a link to a larger disk."""
    (place.folder / "disk").mkdir()
    (place.folder / "in").symlink_to("disk")
    finished(place, "disk/a.csv")
    assert {name: status.state for name, status in place.once(input="in/*.csv").items()} == {"a.csv": "complete"}


def test_a_strangers_file_is_taken_once_somebody_says_so(foreign: Path) -> None:
    base, owner = f"{foreign.parent}/", foreign.stat().st_uid
    name = pwd.getpwuid(owner).pw_name
    assert f"--foreign {name} takes it" in ONLY_OURS.objection(foreign, base)
    assert Trust.read(["anybody"]).objection(foreign, base) == ""
    assert Trust.read([name]).objection(foreign, base) == ""
    assert Trust.read([str(owner)]).objection(foreign, base) == ""
    with pytest.raises(SettingsError, match="no user here"):
        Trust.read(["no-such-user"])


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_a_strangers_file_is_left_out_of_the_night_and_said(place: Place, foreign: Path) -> None:
    finished(place, "a.csv")
    os.utime(foreign, (place.clock.now().timestamp() - 3600,) * 2)
    statuses = place.service("*.csv", together="scores/{date}.csv").once()
    assert sorted((status.state, status.file.path.name) for status in statuses) == [
        ("complete", "*.csv"),
        ("refused", "foreign.csv"),
    ]


def test_what_became_a_link_after_the_look_is_not_opened(tmp_path: Path, foreign: Path) -> None:
    path, secret = tmp_path / "a.csv", tmp_path / "secret.csv"
    secret.write_text("id,text\n")
    path.symlink_to(secret)
    with reading_only(ONLY_OURS.objection_to):
        LocalFile(secret).close()
        with pytest.raises(InputError, match=r"a\.csv: "):
            LocalFile(path)
        with pytest.raises(InputError, match="not among ours"):
            LocalFile(foreign)
    LocalFile(path).close()
