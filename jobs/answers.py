"""The collector's side of the ledger: what workers answered, whether it is as they wrote it, and what became of it."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import redis

from jobs import digest, keys
from jobs.digest import Bytes
from jobs.errors import LostError
from jobs.places import Places
from jobs.proof import Answered, Proof, Sent, Written
from jobs.record import Life
from jobs.reference import is_part
from jobs.scripts import Scripts, flat
from jobs.spool import Spool

SPOOLED = {"payload": keys.payload, "kept": keys.kept}  # what a spool may have in the server's place
PROOFS = 4096  # batches of which they are asked for at once
HEADER = "header"  # in the place of a batch's number, where a file's first line is meant


class Answers:
    """Part of a `Ledger`."""

    def __init__(self, server: "redis.Redis", scripts: Scripts, places: Places) -> None:
        self._redis, self._scripts, self._places = server, scripts, places

    def results(self, life: Life, first: int, limit: int) -> list[tuple[bytes, bytes]]:
        """(kept, result) of the batches from `first` on, as far as they are done without a gap, at most `limit`; where
        the result is a part nothing is kept. Raises as `lease` does, and LostError for what is not as it was
        written."""
        results = self._values(keys.result(life, batch) for batch in range(first, first + limit))
        # Only now: the kept columns of batches that are not done yet would be read again and again.
        kept = self._kept(life, [batch for batch, result in enumerate(results, first) if not is_part(result)])
        pairs: list[tuple[bytes, bytes]] = []
        for batch, result in enumerate(results, first):
            if not is_part(result) and batch not in kept:
                break
            pairs.append((kept.get(batch, b""), result))
        if life.incarnation:
            self._check(life, first, pairs)
        return pairs

    def given(self, life: Life, batch: int) -> tuple[bytes | None, bytes | None]:
        """Payload, or reference, and what is kept of a batch that no worker has answered for, as far as they are there.
        Raises as `fetch` does."""
        found = []
        for kind, key in SPOOLED.items():
            value = cast("bytes | None", self._redis.get(key(life, batch)))
            found.append(fetch(self._redis, self._places.spool, life, batch, kind, value) if value else None)
        return found[0], found[1]

    def is_there(self, life: Life, batch: int, result: Bytes) -> bool:
        """Whether this is what the server has as the batch's result."""
        return self._redis.get(keys.result(life, batch)) == bytes(result)

    def _kept(self, life: Life, batches: Sequence[int]) -> dict[int, bytes]:
        """What is kept of them, as far as it is there without a gap."""
        values = self._values(keys.kept(life, batch) for batch in batches)
        found: dict[int, bytes] = {}
        for batch, value in zip(batches, values, strict=False):
            data = fetch(self._redis, self._places.spool, life, batch, "kept", value)
            if data is None:
                break
            found[batch] = data
        return found

    def _check(self, life: Life, first: int, pairs: list[tuple[bytes, bytes]]) -> None:
        """Raises LostError unless they are what the producer and a worker wrote."""
        proofs = self.proofs(life, first, len(pairs))
        for batch, ((kept, result), (sent, answered, _)) in enumerate(zip(pairs, proofs, strict=True), first):
            if (
                sent is None
                or answered is None
                or digest.kept(life.incarnation, batch, kept) != sent.kept
                or digest.answered(life.incarnation, batch, result) != answered.result
            ):
                raise LostError(f"batch {batch} of {life.id} is not on the server as it was written")

    def proofs(self, life: Life, first: int, count: int) -> list[Proof]:
        """Of the batches from `first` on, what is noted to prove their identity."""
        if not count:
            return []
        found: list[Proof] = []
        for begin in range(first, first + count, PROOFS):
            found += self._some_proofs(life, range(begin, min(begin + PROOFS, first + count)))
        return found

    def _some_proofs(self, life: Life, batches: range) -> list[Proof]:
        """Raises LostError if nobody has enqueued any of them: what the server says of their number is forged, or
        damaged."""
        numbers = list(map(str, batches))
        with self._redis.pipeline(transaction=False) as pipe:
            for notes in (keys.sent, keys.answered, keys.written):
                pipe.hmget(notes(life.id), numbers)
            columns = pipe.execute()
        try:
            if not any(columns[0]):
                raise ValueError("nobody sent them")
            return [
                Proof(
                    sent and Sent.decode(sent), answered and Answered.decode(answered), lines and Written.decode(lines)
                )
                for sent, answered, lines in zip(*columns, strict=True)
            ]
        except ValueError:
            raise LostError(f"what the server has to prove {life.id} is damaged") from None

    def header(self, life: Life) -> Written | None:
        """What was written as the files' headers. Raises LostError if it is damaged."""
        text = cast("bytes | None", self._redis.hget(keys.written(life.id), HEADER))
        try:
            return Written.decode(text) if text else None
        except ValueError:
            raise LostError(f"what the server has to prove {life.id} is damaged") from None

    def _values(self, names: Iterable[str]) -> list[bytes]:
        """Those of these keys, up to the first that is not there."""
        listed = list(names)
        values = cast("list[bytes | None]", self._redis.mget(listed)) if listed else []
        return list(itertools.takewhile(lambda value: value is not None, values))  # type: ignore[arg-type]

    def collected(
        self,
        life: Life,
        token: str,
        batches: range,
        fields: Mapping[str, str | int],
        written: Mapping[int | str, Written],
    ) -> bool:
        """Frees `batches`, which are safely in the scores file, and notes in `fields` how far it is good; `written` has
        each one's lines. False if `token` does not hold the collector's lock any more."""
        noted = flat({"collected": batches.stop, **fields})
        args = token, batches.start, batches.stop, len(noted), *noted, *_lines(written)
        ours = self._scripts.did("collected", life, *args)
        if ours:
            self._places.spool.drop(life, batches, "kept")
        return ours

    def sweep_spool(self, life: Life) -> None:
        """All of the job is collected: what a producer left half-written when it was killed goes."""
        self._places.forget(life)

    def retried(
        self,
        life: Life,
        read_codes: Mapping[str, int],
        codes: Mapping[str, int],
        fields: Mapping[str, str | int],
        written: Mapping[int | str, Written],
    ) -> bool:
        """Some rejects were scored after all. What is left of them, by code: those of the reader and those of workers;
        `fields` and `written` say what the files are now. False unless the job is complete."""
        left = sum(read_codes.values()), sum(codes.values())
        records = int(cast(bytes, self._redis.hget(keys.job(life.id), "records") or 0))
        noted, lines = flat(fields), _lines(written)
        pairs = flat({f"code:{code}": number for code, number in {**read_codes, **codes}.items()})
        args = records - sum(left), *left, len(noted), *noted, len(lines), *lines, *pairs
        return self._scripts.did("retried", life, *args)


def fetch(server: "redis.Redis", spool: Spool, life: Life, batch: int, kind: str, value: bytes) -> bytes | None:
    """What the value of that key stands for; None if it was freed this moment. Raises LostError if it should be in
    the spool and is not."""
    data = spool.get(life, batch, kind, value)
    if data is None and server.exists(SPOOLED[kind](life, batch)):
        raise LostError(f"batch {batch} of {life.id} is not in the spool any more")
    return data


def _lines(written: Mapping[int | str, Written]) -> list[object]:
    return flat({batch: lines.encode() for batch, lines in written.items()})
