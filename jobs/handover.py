"""What a producer hands over to the ledger with a batch, and what a worker gets from it."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from jobs import digest
from jobs.digest import Bytes
from jobs.errors import DamagedError
from jobs.proof import Sent
from jobs.record import Life

LeaseVerdict = Literal["leased", "done", "busy", "gone", "newer", "exhausted"]


class Entry(NamedTuple):
    """A batch as its producer hands it over. `first` is the number of its first record; `records` counts the rejected
    ones too; `cursor` is where reading goes on behind it."""

    payload: Bytes  # or a reference
    kept: Bytes  # nothing if a worker reads it
    cursor: Mapping[str, int]
    first: int
    records: int
    reject_codes: Sequence[str]
    odd: Mapping[str, int] = MappingProxyType({})  # by name, what is worth a line in the receipt and no reject


class LeaseReply(NamedTuple):
    """A worker's answer when it asks for a batch."""

    verdict: LeaseVerdict
    attempt: int  # how often the batch was given away, this time included
    row_class: str  # the job's, as its first worker found it; empty before
    payload: bytes | None


def check_sent(life: Life, batch: int, noted: bytes, payload: bytes) -> None:
    """Raises DamagedError if the payload is not what the producer sent: who decodes what a disk has altered may die."""
    try:
        sent = Sent.decode(noted)
        good = sent.payload == digest.sent(life.incarnation, batch, sent.first, sent.records, payload)
    except ValueError:
        good = False
    if not good:
        raise DamagedError(f"what the server has as batch {batch} of {life.id} is not what the producer sent")


def encode_cursor(life: Life, batches: int, cursor: Mapping[str, int]) -> str:
    """With a digest: nothing else would tell if a disk changed where reading goes on."""
    check = {"check": digest.cursor(life.incarnation, batches, cursor)} if life.incarnation else {}
    return json.dumps({**cursor, **check}, separators=(",", ":"))
