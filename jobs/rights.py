"""What a producer and a worker need of the server, as the rules of an access control list (ACL).
deploy/valkey/users.acl is made of it, and who lacks one of these rights is told which.

Scripts run with the rights of whoever calls them, so these are what the ledger's scripts call, too. A producer may do
what Nightshift does with any key of its own. A worker's keys are told apart by what they hold: it can't register a job,
write a batch that is to be scored, or a model. Channels are for nobody: nothing is published (worker/upkeep/broker.py).
"""

from collections.abc import Iterator
from typing import NamedTuple, cast

import redis

from jobs.errors import ServerError
from jobs.keys import PREFIX

NAMED = 3  # missing rights in a sentence
FILE = "deploy/valkey/users.acl"


class Grant(NamedTuple):
    """Commands, and the patterns of the keys on which they may be used; R~ before those that are only read."""

    commands: str
    keys: str = ""

    def rules(self) -> str:
        keys = (f"%R~{key[2:]}" if key.startswith("R~") else f"~{key}" for key in self.keys.split())
        return " ".join([*(f"+{command}" for command in self.commands.split()), *keys])


# No keys: how a connection begins, pipelines, the server's clock, scripts by their text. `select` is for a database.
CONNECTION = "hello client|setinfo ping select multi exec discard time script|load"

PRODUCER = (
    Grant(
        f"{CONNECTION} scan evalsha get set del unlink exists expire mget "
        "hget hmget hgetall hset hsetnx hincrby hdel hkeys zadd zrem zscore zcard zrange zrangebyscore "
        "sadd srem smembers getbit lpush rpush lrange llen xadd xread",
        f"{PREFIX}*",
    ),
)

WORKER = (
    Grant(CONNECTION),
    # Scripts name the keys that they begin from, some a job's and a queue's: one selector has to allow them all. What
    # they then do with which key is looked at command by command, as if it were called without a script.
    Grant(
        "evalsha",
        f"{PREFIX}job:* {PREFIX}batches {PREFIX}2:batches {PREFIX}2:batches:* "
        f"{PREFIX}resender {PREFIX}2:resender {PREFIX}2:resender:*",
    ),
    # A job's books. Payloads, references and what is kept are strings, which these commands can't write.
    Grant(
        "get exists unlink hget hmget hgetall hset hsetnx hincrby hdel "
        "zadd zrem zscore zcard zrange zrangebyscore getbit rpush xadd",
        f"{PREFIX}job:*",
    ),
    Grant("set", f"{PREFIX}job:*:result:*"),
    Grant("setbit", f"{PREFIX}job:*:done"),
    # Which jobs there are: to look for lost batches, and to forget those that ended long ago.
    Grant("zrange zrangebyscore zrem", f"{PREFIX}jobs {PREFIX}2:jobs"),
    Grant("smembers srem", f"{PREFIX}active {PREFIX}2:active"),
    Grant("smembers", f"R~{PREFIX}2:queues"),
    # Messages. They name a job and a batch; lost ones are sent again.
    Grant("brpop llen lrange lpush rpush", f"{PREFIX}batches {PREFIX}2:batches {PREFIX}2:batches:*"),
    Grant("sadd", f"{PREFIX}_kombu.binding*"),  # kombu's note that a queue is there, which nobody here reads
    Grant("get set del", f"{PREFIX}resender {PREFIX}2:resender {PREFIX}2:resender:*"),
    # Models are read, and forgotten with the last job that has them.
    Grant("get", f"R~{PREFIX}model:*"),
    Grant("smembers", f"R~{PREFIX}signatures:*"),
    Grant("unlink", f"{PREFIX}model:* {PREFIX}signatures:*"),
    # Signs of life.
    Grant("zadd zrem zrange zremrangebyscore", f"{PREFIX}workers {PREFIX}2:workers"),
    Grant("set del mget", f"{PREFIX}prefetched:* {PREFIX}ops:* {PREFIX}places:*"),
)

ROLES = {"producer": PRODUCER, "worker": WORKER}


def users() -> str:
    """The two users as an ACL file has them, with the SHA-256 of each one's password to be filled in."""
    lines = ["user default off"]
    for role, (first, *others) in ROLES.items():
        more = "".join(f" ({grant.rules()})" for grant in others)
        lines.append(f"user {role} on #{role.upper()}_PASSWORD_SHA256 resetchannels -@all {first.rules()}{more}")
    return "\n".join(lines) + "\n"


_CHECK = """
if not redis.acl_check_cmd then return {} end  -- before Redis 7
local missing = {}
for i, call in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(call, '%S+') do words[#words + 1] = word end
  if not redis.acl_check_cmd(unpack(words)) then missing[#missing + 1] = i - 1 end
end
return missing
"""

# How a command is called, as far as the server looks for keys in it; others have one key, then something else.
_CALLS = {
    "evalsha": f"evalsha {'0' * 40} 1 KEY",
    "xread": "xread STREAMS KEY 0",
    "brpop": "brpop KEY 1",
    "script|load": "script load -",
    **{command: f"{command} KEY" for command in ("mget", "unlink", "del", "exists")},
    **{command: command for command in ("ping", "multi", "exec", "time")},
}


# Nobody is turned away for want of these: clients do without, and the keys of a damaged job alone are looked for.
_DISPENSABLE = ("hello", "client|setinfo", "select", "discard", "scan")


class Right(NamedTuple):
    """One command on one kind of key."""

    command: str
    key: str

    @property
    def call(self) -> str:
        return _CALLS.get(self.command, f"{self.command} KEY 1 1").replace("KEY", self.key.replace("*", "x"))

    def __str__(self) -> str:
        return f"{self.command} on {self.key}" if self.key else self.command


def rights(role: str) -> Iterator[Right]:
    """All that a role can't do without."""
    for grant in ROLES[role]:
        for command in grant.commands.split():
            if command in _DISPENSABLE:
                continue
            keyless = "KEY" not in _CALLS.get(command, "KEY")
            for key in [""] if keyless else grant.keys.split():
                yield Right(command, key.removeprefix("R~"))


def missing(server: "redis.Redis", role: str) -> list[str]:
    """What the server does not let us do that a `role` does. Raises redis.RedisError, but for a right that is missing
    even to ask."""
    wanted = list(rights(role))
    try:
        lacking = cast("list[int]", server.register_script(_CHECK)(args=[right.call for right in wanted]))
    except redis.exceptions.NoPermissionError as error:
        return [str(error)]
    return [str(wanted[number]) for number in lacking]


def check(server: "redis.Redis", role: str) -> None:
    """Raises ServerError, which names the rights that are missing, redis.RedisError."""
    if lacking := missing(server, role):
        user = server.get_connection_kwargs().get("username") or "default"
        more = f", and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
        raise ServerError(
            f"the server does not give its user {user!r} what a {role} needs: {', '.join(lacking[:NAMED])}{more}; "
            f"{FILE} has the rights"
        )
