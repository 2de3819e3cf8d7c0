"""The harness is for Linux."""

import sys

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # it reads /proc, and gives each run its cores
