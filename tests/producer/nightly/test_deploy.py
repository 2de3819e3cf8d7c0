"""The systemd units and the Kubernetes manifest: they parse, they name real commands and settings, and they give up
what they don't need."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.bin.worker import worker as celery_worker

from producer.cli.nightly import nightly
from producer.nightly.clock import time_zone
from producer.nightly.files import Pattern
from producer.nightly.schedule import Schedule
from tests.support import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
[CRONJOB] = yaml.safe_load_all((DEPLOY / "kubernetes" / "nightly-cronjob.yaml").read_text())


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def variables() -> set[str]:
    return {str(parameter.envvar) for parameter in nightly.params if parameter.envvar}


def test_every_option_has_a_variable_of_its_name() -> None:
    expected = {
        "NIGHTSHIFT_NIGHTLY_" + parameter.opts[0].removeprefix("--").upper().replace("-", "_")
        for parameter in nightly.params
        if parameter.name not in ("once", "as_json", "log_format")
    }
    assert variables() == expected


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_units_run_real_commands_with_as_little_as_they_need(path: Path) -> None:
    service = unit(path)["Service"]
    command, *words = shlex.split(service["ExecStart"])
    assert (Path(sys.executable).parent / Path(command).name).exists()
    if words[0] == "nightly":
        options = {option for parameter in nightly.params for option in parameter.opts}
    else:
        assert words[:3] == ["-A", "worker", "worker"]
        options = {option for parameter in celery_worker.params for option in (*parameter.opts, "-A")}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= options
    assert service["User"] == "nightshift"
    assert service["EnvironmentFile"], "a password is on no command line"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""


def test_workers_are_started_again_and_may_finish_their_batches() -> None:
    service = unit(DEPLOY / "systemd" / "nightshift-worker.service")["Service"]
    assert (service["Restart"], service["KillMode"], service["TimeoutStopSec"]) == ("always", "mixed", "2min")


def test_a_night_that_was_missed_is_made_up_for() -> None:
    timer = unit(DEPLOY / "systemd" / "nightshift-nightly.timer")["Timer"]
    assert timer["Persistent"] == "true"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze")
    for path in UNITS:  # with this checkout's commands, since it looks for them
        text = path.read_text().replace("/opt/nightshift/bin", str(Path(sys.executable).parent))
        (tmp_path / path.name).write_text(text)
    for path in UNITS:
        run = subprocess.run([analyze, "verify", tmp_path / path.name], capture_output=True, text=True, timeout=60)
        if "Failed to" in run.stderr and "/run/" in run.stderr:
            pytest.skip(f"systemd-analyze does not work here: {run.stderr.splitlines()[0]}")
        assert (run.returncode, run.stderr) == (0, "")


def test_the_cron_job_is_one_at_a_time_and_nobody_special() -> None:
    spec = CRONJOB["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert (CRONJOB["apiVersion"], CRONJOB["kind"], spec["concurrencyPolicy"]) == ("batch/v1", "CronJob", "Forbid")
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 10_000
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}
    assert pod["automountServiceAccountToken"] is False


def test_the_cron_jobs_settings_are_real_and_its_secret_is_one() -> None:
    spec = CRONJOB["spec"]
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    environment: dict[str, Any] = {entry["name"]: entry for entry in container["env"]}
    assert "secretKeyRef" in environment.pop("REDIS_URL")["valueFrom"]
    assert environment.keys() <= variables()
    assert container["args"] == ["nightly", "--once"]
    values = {name.removeprefix("NIGHTSHIFT_NIGHTLY_"): entry["value"] for name, entry in environment.items()}
    Pattern(values["INPUT"], values["OUTPUT"], 7, Path(".nightshift"))
    Schedule(spec["schedule"], time_zone(values["TIMEZONE"]))
    assert spec["timeZone"] == values["TIMEZONE"]
    assert re.fullmatch(r"\d\d:\d\d", values["DEADLINE"])
