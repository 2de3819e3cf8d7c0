"""What GitHub reads of us: it says nothing when it can't, and then nothing is checked."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
}


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("schema", SCHEMAS)
def test_github_will_understand(schema: str) -> None:
    """By the schemas that come with check-jsonschema: nothing is downloaded."""
    pytest.importorskip("check_jsonschema")
    assert SCHEMAS[schema]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, SCHEMAS[schema])]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_nothing_else(path: Path) -> None:
    workflow = document(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert "secrets." not in path.read_text()


def test_every_supported_python_is_checked_as_on_our_own_machines() -> None:
    job = document(GITHUB / "workflows" / "checks.yml")["jobs"]["checks"]
    classifiers = (ROOT / "pyproject.toml").read_text()
    assert job["strategy"]["matrix"]["python"] == [
        version for version in ("3.11", "3.12", "3.13", "3.14") if f"Python :: {version}" in classifiers
    ]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("make ")]


def test_a_release_comes_with_the_bill_of_what_it_brings() -> None:
    """From an environment in which every file is one whose digest we know."""
    [job] = document(GITHUB / "workflows" / "release.yml")["jobs"].values()
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    for command in ("--require-hashes -r requirements.txt", "cyclonedx-py environment installed"):
        assert command in commands
    assert job["steps"][-1]["with"]["path"] == "dist/"
