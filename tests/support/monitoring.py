"""The alert rules that we ship, and the tool that reads them as Prometheus does."""

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.support.checkout import ROOT

MONITORING = ROOT / "monitoring"
ALERTS = MONITORING / "prometheus" / "alerts.yml"


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def promtool(*words: object) -> str:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool here")
    run = subprocess.run([tool, *map(str, words)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
