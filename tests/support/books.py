"""All that the ledger has put down on its server."""

from jobs import keys
from jobs.ledger import Ledger
from jobs.record import Life


def everything(ledger: Ledger) -> dict[str, object]:
    """All that is on the server, by key."""
    server, found = ledger.redis, {}
    readers = {
        b"string": server.get,
        b"hash": server.hgetall,
        b"zset": lambda key: dict(server.zrange(key, 0, -1, withscores=True)),
        b"list": lambda key: server.lrange(key, 0, -1),
        b"set": server.smembers,
        b"stream": lambda key: [fields[b"event"] for _, fields in server.xrange(key)],
    }
    for key in server.keys("*"):
        found[key.decode()] = readers[server.type(key)](key)
    return found


def book(ledger: Ledger, life: Life) -> dict[str, str]:
    """The job's hash."""
    return {name.decode(): value.decode() for name, value in ledger.redis.hgetall(keys.job(life.id)).items()}


def of(ledger: Ledger, life: Life, suffix: str) -> object:
    """One of the job's other keys; None if it is not there."""
    return everything(ledger).get(f"{keys.job(life.id)}:{suffix}")


def milliseconds(ledger: Ledger) -> int:
    seconds, microseconds = ledger.redis.time()
    return seconds * 1000 + microseconds // 1000


def dump(ledger: Ledger) -> dict[bytes, bytes]:
    return {key: ledger.redis.dump(key) or b"" for key in ledger.redis.keys("*")}  # type: ignore[misc, union-attr]
