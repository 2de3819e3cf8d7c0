"""A night as it was scraped, and the inputs of its jobs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.support.farm import Farm

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class Night:
    """What was done, and scraped."""

    farm: Farm
    complete: str
    failed: str
    running: str
    report: dict[str, Any]  # on the complete job
    exposition: str

    def value(self, name: str, **labels: str) -> float:
        return samples(self.exposition)[name, tuple(sorted(labels.items()))]


def samples(exposition: str) -> Samples:
    """Every sample of an exposition, by name and labels. Raises ValueError if it is not Prometheus's text format."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def messages(path: Path, number: int, broken: int = 0) -> Path:
    lines = [f"{n},0.5 message {n}" for n in range(number)] + ["broken"] * broken
    path.write_text("id,text\n" + "".join(f"{line}\n" for line in lines))
    return path
