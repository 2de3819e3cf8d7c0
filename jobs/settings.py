"""Settings come from the environment: REDIS_URL, and NIGHTSHIFT_… for the rest. The README's table lists them all."""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from formats.errors import InputError
from formats.files.location import Location, is_url, locate
from graphs import allowed
from graphs.errors import GraphError
from jobs.errors import SettingsError
from jobs.logs import FORMATS, Format

PREFIX = "NIGHTSHIFT_"
HookForm = Literal["receipt", "text", "teams"]
CageMode = Literal["on", "require", "off"]

KINDS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("home", "spool"), Path),
    "allow_ops": allowed.parse,
    "model": locate,
    "model_keys": lambda text: tuple(Path(each.strip()) for each in text.split(",") if each.strip()),
    "data": lambda text: tuple(locate(each.strip()) for each in text.split(",") if each.strip()),
    **dict.fromkeys(("batch_bytes", "max_record_bytes", "window", "max_attempts", "threads", "memory_bytes"), int),
    **dict.fromkeys(("lease_seconds", "batch_seconds", "keep_days"), float),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "log_format": FORMATS,
    "hook_form": ("receipt", "text", "teams"),
    "cage": ("on", "require", "off"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One field a setting; `NIGHTSHIFT_` and the field's name in capitals is its variable."""

    redis_url: str | None = None  # REDIS_URL; unset: the embedded server
    home: Path = Path(".nightshift")  # the embedded server's directory
    spool: Path | None = None  # through which producer and workers pass batches; unset: the embedded server's, or none
    data: tuple[Location, ...] = ()  # folders and buckets that all share: what is in them workers read themselves
    model: Location | None = None  # the default of --model; unset: the shipped spam.pb
    model_keys: tuple[Path, ...] = ()  # public keys, or folders of such: only models that one of them signed are taken
    batch_bytes: int | None = None  # the default of --batch-bytes: input bytes a batch; unset: by the file's size
    max_record_bytes: int = 1 << 20  # a larger record is a reject
    window: int = 0  # batches outstanding before the producer waits; 0: by the number of worker processes
    lease_seconds: float = 9.0  # how long a batch stays its worker's without a sign of life
    batch_seconds: float = 600.0  # when nothing of a batch is scored for so long it hangs: its process is killed
    max_attempts: int = 5  # leases a batch gets before its job fails
    keep_days: float = 7.0  # a job that ended so long ago is forgotten
    threads: int = 1  # TensorFlow's threads per worker process
    allow_ops: frozenset[str] = frozenset()  # ops that a worker accepts besides: `graphs.allowed`
    memory_bytes: int | None = None  # that a scoring process may take beyond what it starts with; unset: any number
    cage: CageMode = "on"  # whether scoring processes run caged: where the kernel can, or not at all without
    log_format: Format = "text"  # of what goes to stderr
    hook_command: str | None = None  # run on events, without a shell
    hook_url: str | None = field(default=None, repr=False)  # POSTed to on events; a chat tool's is a secret
    hook_secret: str | None = field(default=None, repr=False)  # the key that signs what is POSTed
    hook_form: HookForm = "receipt"  # of what is POSTed

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Raises SettingsError for a value that is not of the setting's type, not one of its choices, or not above zero
        where it must be."""
        environment = os.environ if environment is None else environment
        values: dict[str, object] = {}
        for setting in fields(cls):
            name = "REDIS_URL" if setting.name == "redis_url" else PREFIX + setting.name.upper()
            text = environment.get(name, "").strip()
            if not text:
                continue
            if setting.name == "data":
                _check_roots(name, text)
            try:
                value = KINDS.get(setting.name, str)(text)
            except GraphError as error:
                raise SettingsError(str(error)) from None
            except ValueError:
                raise SettingsError(f"{name}={text!r} is not a number") from None
            if isinstance(value, int | float) and (value < 0 or (value == 0 and setting.name != "window")):
                raise SettingsError(f"{name}={text} must be above zero")
            if setting.name == "spool" and not Path(text).is_absolute():
                raise SettingsError(f"{name}={text} must be an absolute path, the same for producer and workers")
            choices = CHOICES.get(setting.name)
            if choices and text not in choices:
                raise SettingsError(f"{name}={text!r} is none of: {', '.join(choices)}")
            values[setting.name] = value
        _check_hooks(values.get("hook_command"), values.get("hook_url"))
        return cls(**values)  # type: ignore[arg-type]


def _check_roots(name: str, text: str) -> None:
    for root in filter(None, map(str.strip, text.split(","))):
        if is_url(root):
            try:
                locate(root)
            except InputError as error:
                raise SettingsError(f"{name}: {error}") from None
        elif not Path(root).is_absolute() or ".." in Path(root).parts:
            raise SettingsError(f"{name}={root} must be an absolute path, the same for producer and workers")


def _check_hooks(command: object, url: object) -> None:
    """Before a night's work rather than at its end. The values may hold secrets: they are not shown."""
    if command is not None:
        try:
            shlex.split(str(command))
        except ValueError as error:
            raise SettingsError(f"{PREFIX}HOOK_COMMAND: {error}") from None
    if url is not None:
        try:
            parts = urlsplit(str(url))
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            raise SettingsError(f"{PREFIX}HOOK_URL must be an http:// or https:// URL")
