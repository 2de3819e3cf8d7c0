"""Settings come from the environment: REDIS_URL, and NIGHTSHIFT_… for the rest. The README's table lists them all."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from jobs.errors import SettingsError

PREFIX = "NIGHTSHIFT_"

KINDS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("home", "model"), Path),
    **dict.fromkeys(("batch_bytes", "max_record_bytes", "window", "max_attempts", "threads"), int),
    **dict.fromkeys(("lease_seconds", "batch_seconds", "keep_days"), float),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One field a setting; `NIGHTSHIFT_` and the field's name in capitals is its variable."""

    redis_url: str | None = None  # REDIS_URL; unset: the embedded server
    home: Path = Path(".nightshift")  # the embedded server's directory
    model: Path | None = None  # the default of --model; unset: the shipped spam.pb
    batch_bytes: int = 2 << 20  # the default of --batch-bytes: input bytes a batch
    max_record_bytes: int = 1 << 20  # a larger record is a reject
    window: int = 0  # batches outstanding before the producer waits; 0: by the number of worker processes
    lease_seconds: float = 9.0  # how long a batch stays its worker's without a sign of life
    batch_seconds: float = 600.0  # a batch that takes longer hangs: its process is killed
    max_attempts: int = 5  # leases a batch gets before its job fails
    keep_days: float = 7.0  # a job that ended so long ago is forgotten
    threads: int = 1  # TensorFlow's threads per worker process

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Raises SettingsError for a value that is not of the setting's type, or not above zero where it must be."""
        environment = os.environ if environment is None else environment
        values: dict[str, object] = {}
        for field in fields(cls):
            name = "REDIS_URL" if field.name == "redis_url" else PREFIX + field.name.upper()
            text = environment.get(name, "").strip()
            if not text:
                continue
            try:
                value = KINDS.get(field.name, str)(text)
            except ValueError:
                raise SettingsError(f"{name}={text!r} is not a number") from None
            if isinstance(value, int | float) and (value < 0 or (value == 0 and field.name != "window")):
                raise SettingsError(f"{name}={text} must be above zero")
            values[field.name] = value
        return cls(**values)  # type: ignore[arg-type]
