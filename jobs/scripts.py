"""The ledger's Lua scripts (jobs/lua), as the server is given them, and how Python's values become their arguments."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

import redis
from redis.client import Pipeline

from jobs import keys
from jobs.record import Life

SCRIPTS = (
    "submit", "enqueue", "seal", "lease", "renew", "release", "leave", "complete", "fail", "overdue", "send_again",
    "collected", "erase", "retried", "note", "row_class", "follow", "progress",
)  # fmt: skip
YES_OR_NO = {1: True, 0: False}


def source(name: str) -> str:
    """A script as the server runs it: behind the prelude, but for `hold`, which knows no job."""
    room = resources.files("jobs") / "lua"
    script = (room / f"{name}.lua").read_text()
    return script if name == "hold" else (room / "prelude.lua").read_text() + script


class Scripts:
    """All of them on one server. The first argument of each is the incarnation that the caller means."""

    def __init__(self, server: "redis.Redis") -> None:
        self._redis = server
        self._scripts = {name: server.register_script(source(name)) for name in (*SCRIPTS, "hold")}

    def run(self, name: str, life: Life, *args: Any, queue: str | None = None) -> Any:
        """The script's answer; `queue` is the second key of those that send messages."""
        names = [keys.job(life.id), queue] if queue else [keys.job(life.id)]
        answer = self._scripts[name](keys=names, args=[life.incarnation, *args])
        return answer.decode() if isinstance(answer, bytes) else answer

    def did(self, name: str, life: Life, *args: Any) -> bool:
        """Whether the script did what it is for, which it tells by 1; it says 0 if it changed nothing."""
        return YES_OR_NO[self.run(name, life, *args)]

    def hold(self, lock: str, token: str, seconds: float) -> bool:
        """Takes or keeps a lock; False if another token has it."""
        return YES_OR_NO[self._scripts["hold"](keys=[lock], args=[token, int(seconds * 1000)])]

    def add(self, pipe: Pipeline, name: str, life: Life, *args: Any, queue: str | None = None) -> None:
        """Puts a call into a pipeline that `together` runs."""
        names = [keys.job(life.id), queue] if queue else [keys.job(life.id)]
        pipe.evalsha(self._scripts[name].sha, len(names), *names, life.incarnation, *args)

    def together(self, commands: "Callable[[Pipeline], None]", transaction: bool) -> list[Any]:
        """The answers to a pipeline's commands, in one round trip. (redis-py's own scripts in a pipeline ask each time
        whether the server knows them.) If it does not, it is told all, and the commands are given again."""
        with self._redis.pipeline(transaction) as pipe:
            commands(pipe)
            try:
                return pipe.execute()
            except redis.exceptions.NoScriptError:
                for script in self._scripts.values():
                    self._redis.script_load(script.script)
                commands(pipe)
                return pipe.execute()


def line(text: str) -> bytes:
    return os.fsencode(" ".join(text.split()))


def flat(pairs: Mapping[Any, Any]) -> list[Any]:
    """Names and values in turn; a path among them is bytes."""
    return [os.fsencode(item) if isinstance(item, str) else item for pair in pairs.items() for item in pair]


def counters(reject_codes: Sequence[str]) -> list[str | int]:
    """The pairs of counter and number that the scripts add up."""
    numbers: dict[str, int] = {}
    for code in reject_codes:
        numbers[f"code:{code}"] = numbers.get(f"code:{code}", 0) + 1
    return flat(numbers)
