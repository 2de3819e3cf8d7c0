"""The two users of deploy/valkey/users.acl: what they may do, and above all what a stolen password does not give."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from graphs.feeds import Feed, Fetch
from jobs import keys, rights
from jobs.errors import ServerError
from jobs.handover import Entry
from jobs.ledger import Ledger
from jobs.record import Job
from jobs.resend import Resender
from jobs.server import connect
from tests.support import ROOT, Server, until

CURSOR = {"offset": 0}
JOB = Job(
    "/a.csv", 1, 1, "0" * 64, (Feed("text", ("text",), "string", (-1,)),), (Fetch("score", "score"),), None, (),
    1 << 20,
    incarnation="1" * 16,
)  # fmt: skip
FORBIDDEN = (  # by anybody but who looks after the server
    "flushall", "flushdb", "config get *", "config set maxmemory 1", "config rewrite", "keys *", "randomkey", "dbsize",
    "monitor", "shutdown nosave", "replicaof no one", "bgrewriteaof", "save", "swapdb 0 1",
    "acl list", "acl whoami", "acl setuser producer +@all", "client list", "client kill type normal", "client pause 1",
    "script flush", "script kill", "eval return{} 0", "function flush", "function list", "info", "slowlog get",
    "memory stats",
    "subscribe anything", "psubscribe *", "publish anything x", "cluster info", "migrate 127.0.0.1 1 x 0 1",
    "latency latest",
)  # fmt: skip


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    server = Server(folder, acl=True)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def as_(guarded: Server) -> Iterator[Callable[[str], redis.Redis]]:
    guarded.redis.flushall()
    clients = {"producer": connect(guarded.url), "worker": connect(guarded.worker_url)}
    yield clients.__getitem__
    for client in clients.values():
        client.close()


def denied(client: "redis.Redis", *words: object) -> bool:
    try:
        client.execute_command(*words)
    except redis.exceptions.NoPermissionError:
        return True
    except redis.exceptions.ResponseError as error:
        return "ACL failure in script" in str(error)
    return False


def test_the_file_has_what_the_table_says() -> None:
    text = (ROOT / rights.FILE).read_text()
    assert text == rights.users(), f"python -c 'from jobs import rights; print(end=rights.users())' > {rights.FILE}"
    assert text.startswith("user default off\n"), "nobody comes in without a name"


@pytest.mark.parametrize("role", rights.ROLES)
def test_each_has_all_rights_of_its_own_and_none_of_who_looks_after_the_server(
    as_: Callable[[str], redis.Redis], role: str
) -> None:
    rights.check(as_(role), role)
    allowed = [words for words in FORBIDDEN if not denied(as_(role), *words.split(" "))]
    assert allowed == []


@pytest.mark.parametrize("role", rights.ROLES)
def test_neither_sees_what_others_have_on_the_server(
    guarded: Server, as_: Callable[[str], redis.Redis], role: str
) -> None:
    guarded.redis.set("others", "secret")
    guarded.redis.set("nightshif", "secret")
    for key in ("others", "nightshif"):
        for words in (("get", key), ("unlink", key), ("set", key, "x"), ("hget", key, "x"), ("mget", key)):
            assert denied(as_(role), *words), words
    script = as_(role).script_load("return redis.call('GET', 'others')")
    assert denied(as_(role), "evalsha", script, 0), "a script may do what its caller may"
    assert not any(denied(as_("producer"), *words) for words in (("get", "nightshift:x"), ("scan", 0)))
    assert denied(as_("worker"), "scan", 0)


def test_a_worker_does_all_that_the_ledger_asks_of_one(as_: Callable[[str], redis.Redis]) -> None:
    """Lost messages and leases, too, which a quiet night does not have."""
    producer, worker = Ledger(as_("producer")), Ledger(as_("worker"))
    life = JOB.life
    producer.submit(JOB, CURSOR)
    assert producer.enqueue(life, 0, [Entry(b"payload", b"kept", CURSOR, 1, 1, [], {})]) == 1
    until(lambda: worker.send_again(life, [0]) == 1, 5)  # not in the millisecond in which it was sent
    assert worker.lease(life, 0, "host:1:token", 9.0, 5).verdict == "leased"
    assert worker.renew(life, 0, "host:1:token", 9.0)
    assert worker.leave(life, 0, "host:1:token", "out of reach")
    assert worker.lease(life, 0, "host:1:token", 9.0, 5).verdict == "leased"
    assert worker.release(life, 0, "host:1:token", "it died", 2)
    assert worker.owners(life.id) == {}
    assert worker.row_class(life, "exact") == "exact"
    assert worker.note(life, tensorflow="2.21")
    Resender(worker, 7.0).sweep_if_due()
    worker.presence.greet("host:1:1", ["x"], "ops", ["place"])
    assert worker.presence.workers().keys() == {"host:1:1"}
    worker.presence.leave("host:1:1")
    assert worker.fail(life, "for the test")
    assert worker.removal.expire(-1.0) == [life.id]


def test_a_stolen_worker_submits_no_job_no_batch_and_no_model(
    guarded: Server, as_: Callable[[str], redis.Redis]
) -> None:
    """What it has is enough to answer for batches, falsely too; what is scored, and by what, is the producer's word."""
    worker = Ledger(as_("worker"))
    job = JOB
    with pytest.raises(redis.exceptions.ResponseError, match="ACL failure"):
        worker.submit(job, CURSOR)
    with pytest.raises(redis.exceptions.NoPermissionError):
        worker.put_model("0" * 64, b"a model of the thief's")
    with pytest.raises(redis.exceptions.NoPermissionError):
        worker.enqueue(job.life, 0, [Entry(b"what is to be scored", b"", CURSOR, 1, 1, [], {})])
    with pytest.raises(ServerError, match=r"its user 'worker' what a producer needs: .*deploy/valkey/users.acl"):
        rights.check(as_("worker"), "producer")
    assert worker.job_ids() == []
    assert guarded.redis.smembers(keys.SECOND.active) == set()
    assert not guarded.redis.exists(keys.model("0" * 64), keys.payload(job.life, 0))


def test_a_stolen_worker_changes_no_model_no_signature_and_no_input(
    guarded: Server, as_: Callable[[str], redis.Redis]
) -> None:
    """By no command of the server, whatever it is called: each is tried on each of these keys."""
    life = JOB.life
    given = {
        keys.model("0" * 64): {"get", "unlink"},
        keys.signatures("0" * 64): {"smembers", "unlink"},
        keys.payload(life, 0): {"get", "getbit", "exists", "unlink"},
        keys.kept(life, 0): {"get", "getbit", "exists", "unlink"},
    }
    # On a key that is a string these answer WRONGTYPE; where there is none they make no string.
    of_other_types = {
        "hget", "hmget", "hgetall", "hset", "hsetnx", "hincrby", "hdel", "zadd", "zrem", "zscore", "zcard", "zrange",
        "zrangebyscore", "rpush", "xadd",
    }  # fmt: skip
    script = "local t = {} for i, name in ipairs(ARGV) do t[i] = redis.acl_check_cmd(name, 'KEY', 1, 1, 1) end return t"
    commands = [
        name
        for name, about in guarded.redis.command().items()  # type: ignore[union-attr]
        if about["first_key_pos"] == 1 and about["last_key_pos"] == 1
    ]
    assert len(commands) > 100
    for key, expected in given.items():
        sha = as_("worker").script_load(script.replace("KEY", key))
        answers = as_("worker").evalsha(sha, 0, *commands)
        allowed = {name for name, answer in zip(commands, answers, strict=True) if answer}
        several = {name for name in ("unlink", "exists", "del", "mget") if not denied(as_("worker"), name, key)}
        guarded.redis.flushall()
        assert (allowed | several) - of_other_types == expected, key


def test_who_lacks_a_right_is_told_which(guarded: Server, as_: Callable[[str], redis.Redis]) -> None:
    """As an operator found it who gave `~nightshift:* &nightshift:*` and forgot a command."""
    without = (
        ("-brpop", ["brpop on nightshift:batches", "brpop on nightshift:2:batches", "brpop on nightshift:2:batches:*"]),
        ("-evalsha", ["evalsha"]),
        ("-zadd -get", ["get on nightshift:job:*", "zadd on nightshift:job:*"]),
        ("+@all", []),
    )
    for rules, missing in without:
        words = ("on", ">" + "x" * 8, "~nightshift:*", "&nightshift:*", "+@all", *rules.split())
        guarded.redis.execute_command("acl", "setuser", "half", "reset", *words)
        with connect(guarded.worker_url.replace("worker:" + "w" * 64, "half:" + "x" * 8)) as client:
            found = rights.missing(client, "worker")
            assert all(any(name in each for each in found) for name in missing), (rules, found)
            assert bool(found) == bool(missing)
            if missing:
                with pytest.raises(ServerError) as caught:
                    rights.check(client, "worker")
                assert "its user 'half'" in str(caught.value)
                assert len(str(caught.value)) < 250, "one line"
