"""The real scripts on a real server, in virtual time: of the Lua only `now()` is replaced, by the key `clock`."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis

from jobs import scripts
from tests.ledger.actions import Action, arguments, values
from tests.support import Server

JOB = "nightshift:job:night"
QUEUE = "nightshift:2:batches"
CLOCK = """
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
"""
# Beside the scripts under test: what the dump of a state is, in one round trip. A stream's entries are named by the
# server's clock, so only what they say is compared; a lock's remaining time is the world's own business.
_DUMP = """
local found = {}
for _, key in ipairs(redis.call('KEYS', 'nightshift:*')) do
  local kind, value = redis.call('TYPE', key).ok, nil
  if kind == 'string' then value = redis.call('GET', key)
  elseif kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'set' then value = redis.call('SMEMBERS', key)
  elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  else
    value = {}
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do value[#value + 1] = entry[2][2] end
  end
  found[#found + 1] = {key, kind, value}
end
return found
"""
_RESTORE = """
redis.call('FLUSHALL')
for i = 1, #ARGV, 2 do redis.call('RESTORE', ARGV[i], 0, ARGV[i + 1]) end
"""
_SAVE = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  found[#found + 1] = key
  found[#found + 1] = redis.call('DUMP', key)
end
return found
"""

Dump = dict[str, Any]
Alter = Callable[[str, str], str]


class World:
    """`alter(name, source)` may plant a fault in a script, to see that it is found."""

    def __init__(self, server: "redis.Redis", alter: Alter | None = None) -> None:
        self.redis = server
        self._scripts = {}
        for name in (*scripts.SCRIPTS, "hold"):
            source = scripts.source(name)
            assert (CLOCK in source) == (name != "hold")
            source = source.replace(CLOCK, "\n  return tonumber(redis.call('GET', 'clock'))\n")
            if alter:
                source = alter(name, source)
            self._scripts[name] = server.script_load(source)
        self._dump, self._restore, self._save = map(server.script_load, (_DUMP, _RESTORE, _SAVE))

    def begin(self) -> None:
        self.redis.flushall()
        self.redis.set("clock", 1000)

    def step(self, action: Action) -> tuple[Any, Dump]:
        """The script's answer, and every key afterwards."""
        return self.steps([(None, action)])[0]

    def steps(self, plan: list[tuple[list[bytes] | None, Action]]) -> list[tuple[Any, Dump]]:
        """Actions in turn, each from the saved state that stands before it, if one does; in one round trip."""
        ends = []
        with self.redis.pipeline(transaction=False) as pipe:
            for saved, action in plan:
                if saved is not None:
                    pipe.execute_command("EVALSHA", self._restore, 0, *saved)
                for command in self._commands(action):
                    pipe.execute_command(*command)
                pipe.execute_command("EVALSHA", self._dump, 0)
                ends.append(len(pipe))
            answers = pipe.execute()
        found = [(_text(answers[end - 2]), _readable(answers[end - 1])) for end in ends]
        return [
            (_batch_of(answer) if action[0] == "take" and answer else answer, dump)
            for (answer, dump), (_, action) in zip(found, plan, strict=True)
        ]

    def _commands(self, action: Action) -> list[tuple[Any, ...]]:
        name, life, *args = action
        own = f"{JOB}:{life}"
        if name == "tick":
            return [("INCRBY", "clock", *args)]
        if name == "take":  # by a worker, or it is lost: the oldest message leaves the queue
            return [("RPOP", QUEUE)]
        if name == "unlock":  # the collector fell silent
            return [("DEL", f"{own}:collector")]
        if name == "hold":
            return [("EVALSHA", self._scripts[name], 1, f"{own}:collector", *args, 3_600_000)]
        keys = [JOB, QUEUE] if name in ("enqueue", "send_again") else [JOB]
        call = ("EVALSHA", self._scripts[name], len(keys), *keys, life, *arguments(action))
        if name != "enqueue":
            return [call]
        payload, kept = values(action)  # written in the same MULTI, as the producer does
        batch = args[1]
        return [
            ("SET", f"{own}:payload:{batch}", payload),
            ("SET", f"{own}:kept:{batch}", kept),
            call,
        ]

    def save(self) -> list[bytes]:
        return self.redis.evalsha(self._save, 0)  # type: ignore[return-value]

    def restore(self, saved: list[bytes]) -> None:
        self.redis.evalsha(self._restore, 0, *saved)  # type: ignore[arg-type]


def _readable(answer: Any) -> Dump:
    """Every key but the clock, in a form that equal states share."""
    found: Dump = {}
    for key, kind, value in _text(answer):
        name = key.removeprefix("nightshift:")
        if kind in ("hash", "zset"):
            found[name] = {field: _number(each) for field, each in zip(value[::2], value[1::2], strict=True)}
        elif name.endswith(":done"):
            found[name] = {n for n in range(8 * len(value)) if ord(value[n // 8]) >> (7 - n % 8) & 1}
        else:
            found[name] = set(value) if kind == "set" else value
            if name == "2:batches":
                found[name] = [_batch_of(each) for each in value]
    return found


def _batch_of(message: str) -> str:
    """Its life and batch."""
    return str(json.loads(message)["headers"]["id"]).partition(":")[2]


def _text(value: Any) -> Any:
    """Bits of a bitmap are no UTF-8: every byte is a sign."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return [_text(each) for each in value] if isinstance(value, list) else value


def _number(value: str) -> int | str:
    return int(value) if value.isdigit() else value


@contextlib.contextmanager
def open_world(alter: Alter | None = None) -> Iterator[World]:
    """On a server of its own, without a file."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    server = Server(folder, appendonly="no")
    try:
        yield World(server.redis, alter)
    finally:
        server.stop()
        shutil.rmtree(folder)
