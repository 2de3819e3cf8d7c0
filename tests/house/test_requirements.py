"""requirements.txt: all that a wheel brings, by digest, so that `pip install --require-hashes` takes nothing else."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.test_producer_alone import NAME, required
from tests.support import ROOT

LINES = (ROOT / "requirements.txt").read_text().replace("\\\n", "").splitlines()
PINNED = {canonicalize_name(line.split("==")[0]): line for line in LINES if line.strip() and not line.startswith("#")}
TOOLS = ("setuptools", "wheel")  # which an environment may bring along
CONSTRAINTS = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}


def test_every_file_is_known_by_its_digest() -> None:
    for line in PINNED.values():
        requirement, *digests = re.split(r"\s+--hash=", line.strip())
        assert digests, line
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests), line
        assert Requirement(requirement)


def test_the_versions_are_those_that_the_tests_run() -> None:
    for name, line in PINNED.items():
        requirement = Requirement(re.split(r"\s+--hash=", line)[0])
        if requirement.marker is None or requirement.marker.evaluate():  # what other systems need is not installed here
            assert str(requirement.specifier) == f"=={CONSTRAINTS.get(name)}" or name in TOOLS, name


def test_nothing_that_a_wheel_brings_is_missing() -> None:
    wanted = {canonicalize_name(name) for name in required(NAME) | required(NAME, "worker")}
    assert wanted - {NAME} <= PINNED.keys()


def test_no_address_is_named() -> None:
    """Where files come from is the business of who installs them."""
    text = "\n".join(LINES)
    assert "://" not in text
    assert "index-url" not in text
