"""Groups of options that several commands take."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def group(options: Sequence[Decorator], names: Collection[str], prefix: str) -> Decorator:
    """Adds the options, whose parameters have these names; with a `prefix`, each is also a variable of the
    environment."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        if prefix:
            for param in getattr(command, "__click_params__", []):
                if param.name in names:
                    param.envvar = prefix + param.opts[0].removeprefix("--").upper().replace("-", "_")
        return command

    return add
