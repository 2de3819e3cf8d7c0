"""What the tests of several rooms share: servers, workers, commands, files and jobs. No test is here, and no fixture:
those that several rooms use are in tests/conftest.py."""

from tests.support.checkout import ROOT
from tests.support.server import Server
from tests.support.waiting import until
from tests.support.worker import Worker

__all__ = ["ROOT", "Server", "Worker", "until"]
