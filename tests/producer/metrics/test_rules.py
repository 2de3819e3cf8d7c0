"""Alert rules and dashboard ask for metrics that there are, in PromQL that Prometheus understands."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.producer.metrics.scraped import Night
from tests.support.monitoring import ALERTS, MONITORING, promtool, rules

DASHBOARD = MONITORING / "grafana" / "dashboards" / "nightshift.json"
NAMES = {
    "NightshiftServerDown", "NightshiftNoWorkers", "NightshiftStuck", "NightshiftLate", "NightshiftFailed",
    "NightshiftManyRejects", "NightshiftLeasesLost",
}  # fmt: skip


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def queries() -> list[str]:
    """The dashboard's, with Grafana's variables as Prometheus would get them."""
    found = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [expr.replace("$__rate_interval", "1m").replace("$job_id", ".*") for expr in found]


def test_every_metric_that_is_asked_for_was_scraped(night: Night) -> None:
    """With samples, not just by name: the night has a job in each state that a rule looks for."""
    there: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(night.exposition):
        for sample in family.samples:
            there.setdefault(sample.name, set()).update(sample.labels)
    for expr in [rule["expr"] for rule in rules()] + queries():
        wanted = re.findall(r"(nightshift_\w+)(?:\{([^}]*)\})?", expr)
        assert wanted, expr
        for name, matchers in wanted:
            assert name in there, f"{name} in {expr}"
            assert set(re.findall(r"(\w+)=", matchers)) <= there[name], f"{name}{{{matchers}}} in {expr}"


def test_the_rules_are_those_that_the_guide_explains() -> None:
    assert {rule["alert"] for rule in rules()} == NAMES
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"docs/operating.md#{rule['alert'].lower()}"


def test_the_dashboard_is_whole() -> None:
    found = dashboard()
    panels = found["panels"]
    assert (found["uid"], found["title"], found["schemaVersion"]) == ("nightshift", "Nightshift", 39)
    assert len({panel["id"] for panel in panels}) == len(panels)
    places: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & places, f"{panel['title']} lies on another"
        assert max(x for x, _ in cells) < 24
        places |= cells
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    assert [variable["name"] for variable in found["templating"]["list"]] == ["datasource", "job_id"]


def test_the_provisioning_files_name_what_there_is() -> None:
    [source] = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    [provider] = yaml.safe_load((MONITORING / "grafana/provisioning/dashboards/nightshift.yml").read_text())[
        "providers"
    ]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    scrapes = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert scrapes[0]["static_configs"] == [{"targets": ["metrics:9464"]}]


def test_promtool_finds_the_configuration_and_the_rules_valid() -> None:
    assert "7 rules found" in promtool("check", "config", MONITORING / "prometheus" / "prometheus.yml")


def test_promtool_finds_a_scrape_well_formed(night: Night) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool here")
    run = subprocess.run([tool, "check", "metrics"], input=night.exposition, capture_output=True, text=True)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_promtool_fires_each_alert_when_it_should_and_only_then(tmp_path: Path) -> None:
    told = yaml.safe_load((Path(__file__).parent / "alerts_test.yml").read_text())
    tested = json.dumps(told)
    assert all(name in tested for name in NAMES)
    shutil.copy2(ALERTS, tmp_path)
    shutil.copy2(Path(__file__).parent / "alerts_test.yml", tmp_path)
    promtool("test", "rules", tmp_path / "alerts_test.yml")


def test_promtool_understands_each_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"q{number}", "expr": expr} for number, expr in enumerate(queries())]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "queries.yml")
