"""What importing the room costs: a health check runs every few seconds, beside workers that need the memory."""

import os
import subprocess
import sys

from tests.support import ROOT


def loaded_by(code: str) -> set[str]:
    clean = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], cwd=ROOT, env=clean, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_to_import_the_room_does_nothing() -> None:
    assert not loaded_by("import worker") & {"celery", "redis", "tensorflow", "jobs", "model", "logging"}


def test_a_health_check_needs_no_tensorflow_and_no_celery() -> None:
    assert not loaded_by("import worker.health") & {"celery", "kombu", "tensorflow", "numpy", "pyarrow", "pandas"}
