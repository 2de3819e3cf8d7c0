"""Who works: what the names say, and that what is read from a name is what it was made of."""

import os
import socket
import subprocess
import sys

import pytest

from jobs.identity import Owner, Process, Worker

HOSTS = ["mail-1", "fe80::1", "10.0.0.7", ""]


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_has_all_that_it_was_made_of(host: str) -> None:
    """The name of a host may have colons itself."""
    process = Process(host, 7)
    assert Process.parse(str(process)) == process
    assert Owner.parse(str(Owner(process, "a1b2c3d4"))) == Owner(process, "a1b2c3d4")
    assert Worker.parse(str(Worker(process, 4))) == Worker(process, 4)


def test_the_names_are_those_that_older_workers_wrote() -> None:
    """Workers of two versions share a server while one is rolled out."""
    process = Process("mail-1", 7)
    assert str(process) == "mail-1:7"
    assert str(Owner(process, "a1b2c3d4")) == "mail-1:7:a1b2c3d4"
    assert str(Worker(process, 4)) == "mail-1:7:4"


def test_whose_children_an_owner_is_of_shows_in_its_name_alone() -> None:
    """That of another version's need be none that can be read."""
    assert Owner.has_token(str(Owner(Process("fe80::1", 7), "a1b2c3d4")), "a1b2c3d4")
    for name in ("mail-1:7:a1b2c3d5", "mail-1:7:0a1b2c3d4", "a1b2c3d4:7:", "bare:12", ""):
        assert not Owner.has_token(name, "a1b2c3d4")


@pytest.mark.parametrize("name", ["", "mail-1", "mail-1:", "mail-1:x"])
def test_what_names_no_process_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Process.parse(name)


@pytest.mark.parametrize("name", ["", "mail-1:7", "mail-1:7:", "mail-1:7:x"])
def test_what_names_no_worker_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Worker.parse(name)


def test_this_process_is_alive_until_it_ends() -> None:
    assert Process.this() == Process(socket.gethostname(), os.getpid())
    assert Process.this().is_alive()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not Process("here", ended.pid).is_alive()


def test_a_process_of_somebody_else_is_alive() -> None:
    assert Process("here", 1).is_alive()
