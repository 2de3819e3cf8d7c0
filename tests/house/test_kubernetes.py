"""deploy/kubernetes is what docs/operating.md says: queues that exist, and a command that the image knows."""

from pathlib import Path
from typing import Any

import yaml

from jobs import keys
from jobs.places import name_of
from tests.support import ROOT

DOCUMENTS: dict[str, dict[str, Any]] = {
    each["kind"]: each for each in yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "workers.yaml").read_text())
}
[CONTAINER] = DOCUMENTS["Deployment"]["spec"]["template"]["spec"]["containers"]


def test_workers_are_scaled_by_the_queues_that_they_take_from() -> None:
    environment = {each["name"]: each.get("value") for each in CONTAINER["env"]}
    triggers = DOCUMENTS["ScaledObject"]["spec"]["triggers"]
    assert [trigger["metadata"]["listName"] for trigger in triggers] == [
        keys.SECOND.queue,
        keys.place_queue(name_of(Path(environment["NIGHTSHIFT_DATA"]))),
    ]
    assert DOCUMENTS["ScaledObject"]["spec"]["minReplicaCount"] == 0
    assert "replicas" not in DOCUMENTS["Deployment"]["spec"], "two would say how many"


def test_a_target_is_what_the_container_runs_at_once() -> None:
    """A new worker finds work, and has no more than it can begin with."""
    command = CONTAINER["args"]
    assert command[:4] == ["celery", "-A", "worker", "worker"]
    concurrency = command[command.index("--concurrency") + 1]
    lengths = {trigger["metadata"]["listLength"] for trigger in DOCUMENTS["ScaledObject"]["spec"]["triggers"]}
    assert lengths == {concurrency} == {CONTAINER["resources"]["requests"]["cpu"]}
