"""The doors by which what others wrote comes in: of each an original, how mutants of it are made, and what is done with
what comes, as far as workers and producers do it. A door turns a mutant away by one of its own errors; or takes it, and
then all that follows has to go well."""

import base64
import json
import os
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from celery import Celery
from celery.worker.request import Request

from formats.errors import NightshiftError
from formats.files.location import locate
from formats.joined.members import Member
from formats.position import Position
from formats.registry import DEFAULT, SINKS, open_source
from formats.rejects import Reject
from graphs.feeds import Constant, Feed, Fetch
from jobs import queue
from jobs.batch import Kept, Result, RowReject, decode_answer, decode_payload, encode_payload, payload_records
from jobs.handover import encode_cursor
from jobs.input import open_input
from jobs.manifest import Manifest
from jobs.places import Places
from jobs.progress import Progress
from jobs.proof import Answered, Sent, Written
from jobs.record import Job, Life
from jobs.reference import PartFile, Reference
from jobs.rows import all_rejects, score_columns
from jobs.spool import Spool
from jobs.timeline import Finish
from producer.display.terminal import Terminal
from producer.outputs.part_lines import copy_part
from producer.outputs.receipt import make_receipt, render
from tests.forged import mutate
from tests.support.messages import message
from worker.reading import OutOfReachError, Referred, Served

ROWS = 40
LIFE = Life("night-0123456789abcdef", "00112233aabbccdd")
JOB = Job(
    input="/data/night.csv",
    size=1000,
    mtime_ns=1,
    model="ab" * 32,
    feeds=(Feed("text", ("text",), "string", (-1,)),),
    fetches=(Fetch("score", "score"), Fetch("matrix", "matrix")),
    id_column="id",
    keep=("channel",),
    max_record_bytes=1 << 20,
    incarnation=LIFE.incarnation,
    constants=(Constant("flag", "bool", "true"),),
)
TIMELINE = b'1790000000000 3 10 0 ["host:1",{"score":0.5}]'
REFUSED: tuple[type[Exception], ...] = (NightshiftError, OutOfReachError)


@dataclass(frozen=True)
class Door:
    """`enter` raises one of `refused`, and nothing else, for what it does not take."""

    original: bytes
    mutant: mutate.Mutator
    enter: Callable[[bytes], object]
    refused: tuple[type[Exception], ...] = REFUSED


def texts(name: str, rows: int) -> pa.Array:
    return pa.array([b"%s %d" % (name.encode(), row) for row in range(rows)], pa.binary())


def _payload() -> bytes:
    schema = pa.schema([("text", pa.binary())])
    batches = [pa.record_batch([texts("text", ROWS // 2)], schema=schema) for _ in range(2)]
    return bytes(encode_payload(schema, batches, 1, ROWS))


def _kept() -> Kept:
    rejects = (
        Reject(3, 4, "too_few_fields", "1 of 3", b"x\xff", 20, ""),
        Reject(9, 10, "bad_quoting", "", b'"', 90, "id"),
    )
    return Kept((texts("id", ROWS), texts("channel", ROWS)), ROWS, 1, Position(10, 1, 2), rejects)


def _result() -> Result:
    rejects = (RowReject(0, "bad_value", "no number", "text"), RowReject(17, "model_error", "broken", ""))
    scored = ROWS - len(rejects)
    columns = {
        "score": pa.array(np.arange(scored, dtype=np.float32)),
        "matrix_0": texts("text", scored),
        "matrix_1": pa.array([row % 2 == 0 for row in range(scored)]),
    }
    return Result(columns, rejects)


def _answer(kept: bytes, result: bytes) -> None:
    """As the collector does, with and without rows for rejects."""
    rest, found = decode_answer(JOB, kept, result)
    for job in (JOB, replace(JOB, errors=True), replace(JOB, threshold=0.5)):
        if columns := score_columns(job, rest, found, tuple(found.columns)):
            bytes(SINKS[DEFAULT].encode(columns))
    all_rejects(JOB, rest, found, lambda _: {})


def _served(payload: bytes) -> None:
    payload_records(payload)
    list(decode_payload(payload))
    for records in Served(payload, JOB).batches():
        [len(cell) for cell in records.column(0).to_pylist()]


def _record(text: bytes) -> None:
    """As workers and `status` do."""
    job = Job.decode(text)
    repr((job.id, job.life, job.fed_columns, job.kept_columns, job.read_dialect, job.text_columns, job.file_column))
    queue.of(job)
    Job.decode(job.encode())
    max(1, (16 << 20) // job.batch_bytes)
    Places(Spool(None)).of(job.by_reference)
    _shown(job, PROGRESS)


def _shown(job: Job, progress: Progress) -> None:
    receipt = make_receipt(job, progress)
    json.dumps(receipt.to_dict())
    terminal = Terminal()
    with Path(os.devnull).open("w", encoding="utf-8", errors="surrogateescape") as terminal.file:
        terminal.print(render(receipt))


def _hash() -> dict[str, str]:
    names = ("batches", "done", "collected", "records", "read_rejects", "scored", "score_rejects", "attempts")
    return {
        **dict.fromkeys(names, "0"),
        "state": "running",
        "created": "1790000000000",
        "started": "1790000000100",
        "sealed": "1",
        "cursor": encode_cursor(LIFE, 0, {"offset": 10, "record": 1, "line": 2, "skip": 0}),
        "incarnation": LIFE.incarnation,
        "code:bad_value": "3",
        "output": "/out/scores.csv",
        "deadline": "1790000900.0",
        "retried": json.dumps([{"model": "ab" * 32, "model_name": "m.pb", "records": [[1, 3], [7, 7]]}]),
        "first_rejects": json.dumps([[1, 2, "bad_value", "no number"]]),
        "error": "none",
        "row_class": "exact",
    }


PROGRESS = Progress.decode(_hash())


def _progress(text: bytes) -> None:
    fields = json.loads(text)
    if not isinstance(fields, dict):
        return
    told = {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    _shown(JOB, Progress.decode(told))


def _task(text: bytes) -> None:
    queue.Call.of(text.decode(errors="replace"))


def _proofs(text: bytes) -> None:
    for kind, proof in zip((Sent, Answered, Written, Written), text.split(b","), strict=False):
        found: Any = kind.decode(proof)  # type: ignore[attr-defined]
        assert all(each >= 0 for each in found if isinstance(each, int))


def doors(folder: Path) -> dict[str, Door]:
    """By name. In `folder` there is the spool, the input that is read, and what nobody may touch."""
    spool = Spool(folder / "spool")
    data = b"id,channel,text\n" + b"".join(b"%d,mail,text %d\n" % (row, row) for row in range(2000))
    data += b'7,"mail,text\n8,b"x",y\n'
    path = folder / "input.csv"
    if not path.exists():
        path.write_bytes(data)
    status = path.stat()
    job = replace(JOB, input=str(path), size=status.st_size, mtime_ns=status.st_mtime_ns, by_reference="spool")
    spool.grant(job.life, job.input)
    with open_source(path, job.max_record_bytes) as source:
        reference = Reference(1, 1500, tuple(source.ranges(block_bytes=1 << 13))[:-1])
        reference = replace(reference, end=reference.ranges[-1].end.record)
    referred = Referred(reference.encode(), job, 0, 1, spool)
    referred.batches()
    part = referred.answer(Result({"score": pa.array(np.ones(reference.records, np.float32))}, ())).result
    app = Celery("forged", set_as_current=False)

    @app.task(name=queue.TASK, shared=False)
    def score(*_: object) -> None:
        """A worker's."""

    channel = app.connection_for_read("memory://").channel()

    def taken(text: bytes) -> None:
        """As a worker's consumer does with what its client gives it."""
        call = queue.read(text)
        envelope = json.loads(json.dumps(queue.envelope(call, "2:batches", f"{call.id}:0")))
        read = channel.message_to_python(envelope)
        request = Request(read, app=app, task=app.tasks[queue.TASK], hostname="here", decoded=False)
        (job_id, *_), _, _ = request._payload
        assert job_id == call.life.id
        assert request.eta is None
        assert request.expires is None

    def read(payload: bytes) -> None:
        """As a worker that reads its input itself."""
        given = Referred(payload, job, 0, 1, spool)
        given.batches()

    def joined(answer: bytes) -> None:
        """As the collector does with a part."""
        found = PartFile.decode(answer)
        with spool.open_part(job.life, found.name) as file:
            copy_part(found, file, (BytesIO(), BytesIO()), lambda lines: lines, True)

    def named(name: bytes) -> None:
        """What is done with the files of a job whose name the server says."""
        try:
            life = Life.of(name.decode(errors="replace"))
        except ValueError:
            life = Life(*name.decode(errors="replace").partition(":")[::2])
        if life == LIFE:
            return
        for work in (
            lambda: spool.forget(life),
            lambda: spool.drop(life, [0, 1], "kept"),
            lambda: spool.get(life, 0, "kept", b"spool:3"),
            lambda: spool.put_part(life, 0, 1, b"x"),
            lambda: spool.drop_parts(life, [f"{life.id}.{life.incarnation}.0.1-00000000.part"]),
            lambda: spool.grant(life, "/etc/passwd"),
            lambda: spool.granted(life, "/etc/passwd"),
            lambda: spool.forget(life),
        ):
            try:
                work()
            except NightshiftError:
                continue

    def dropped(name: bytes) -> None:
        """A part's name that the server says."""
        text = name.decode(errors="replace")
        if text != PartFile.decode(bytes(part)).name:
            spool.drop_parts(job.life, [text])
            with spool.open_part(job.life, text):
                pass

    members = tuple(Member(f"{n}.csv", locate(str(folder / f"{n}.csv")), 100 + n, 10**18 + n, "") for n in range(5))
    manifest = Manifest(members)
    several = replace(job, files=base64.b64encode(manifest.encode()).decode(), version=manifest.version, keep=("file",))

    def opened(text: bytes) -> None:
        """The input of a record, as `collect` opens it."""
        found = Job.decode(text)
        if found.input in (job.input, several.input) and not found.copy_bytes:
            open_input(found, folder).close()

    whole, answer = bytes(_kept().encode()), bytes(_result().encode())
    own = f"{LIFE.id}.{LIFE.incarnation}.0.1-0123abcd.part".encode()
    json_or = mutate.of_json
    return {
        "message": Door(message(LIFE, 7).encode(), json_or, taken, (ValueError,)),
        "task id": Door(f"{LIFE.name}:12".encode(), mutate.of_text, _task, (ValueError,)),
        "result": Door(answer, mutate.of_bytes, partial(_answer, whole)),
        "result's note": Door(answer, of_note, partial(_answer, whole)),
        "kept": Door(whole, mutate.of_bytes, lambda kept: _answer(kept, answer)),
        "kept's note": Door(whole, of_note, lambda kept: _answer(kept, answer)),
        "payload": Door(_payload(), mutate.of_bytes, _served),
        "payload's note": Door(_payload(), of_note, _served),
        "reference": Door(reference.encode(), _behind(b"reference:"), read),
        "part": Door(bytes(part), _behind(b"part:"), joined),
        "part's name": Door(own, mutate.of_text, dropped),
        "job's name": Door(LIFE.name.encode(), mutate.of_text, named),
        "record": Door(JOB.encode().encode(), json_or, _record),
        "record of several files": Door(several.encode().encode(), json_or, opened),
        "progress": Door(
            json.dumps(_hash()).encode(), json_or, _progress, (NightshiftError, ValueError, RecursionError)
        ),
        "manifest": Door(manifest._text, json_or, lambda text: Manifest.decode(zlib.compress(text), manifest.version)),
        "packed manifest": Door(
            manifest.encode(), mutate.of_bytes, lambda data: Manifest.decode(data, manifest.version)
        ),
        "proofs": Door(_proof_lines(), mutate.of_text, _proofs, (ValueError,)),
        "timeline": Door(
            TIMELINE, mutate.of_text, Finish.decode, (ValueError, TypeError, AttributeError, ArithmeticError)
        ),
    }


def _proof_lines() -> bytes:
    digest = "ab" * 16
    lines = [
        f"1 10 2 {digest} {digest}",
        f"8 0 {digest}",
        f"100 {digest} 20 {digest} 8 {digest[:16]}",
        f"9 {digest} 0 {digest} 0",
    ]
    return ",".join(lines).encode()


def _behind(prefix: bytes) -> mutate.Mutator:
    """Mutants of the JSON behind a prefix that tells what it is."""
    return lambda chance, data: prefix + mutate.of_json(chance, data.removeprefix(prefix))


def of_note(chance: random.Random, data: bytes) -> bytes:
    """The JSON in a stream's schema, or the schema itself."""
    stream = pa.ipc.open_stream(data)
    batches, schema = list(stream), stream.schema
    note = mutate.of_json(chance, schema.metadata[b"nightshift"])
    how = chance.random()
    if how < 0.1:
        batches = batches * chance.choice([0, 2, 3])
    elif how < 0.3 and batches:
        batches = [_other_types(chance, batches[0])]
        schema = batches[0].schema
    schema = schema.with_metadata({b"nightshift": note})
    options = pa.ipc.IpcWriteOptions(compression=chance.choice([None, None, None, "zstd", "lz4"]))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=options) as out:
        for batch in batches:
            out.write_batch(batch.replace_schema_metadata(schema.metadata))
    return sink.getvalue().to_pybytes()


def _other_types(chance: random.Random, batch: pa.RecordBatch) -> pa.RecordBatch:
    """A column of another type, name or number."""
    others = [
        pa.array([None] * batch.num_rows),
        pa.array([[1]] * batch.num_rows),
        pa.array(["x"] * batch.num_rows).dictionary_encode(),
        pa.array([{"a": 1}] * batch.num_rows),
        pa.array([b"x"] * batch.num_rows, pa.large_binary()),
        pa.array([1] * batch.num_rows),
        pa.array([b"x"] * batch.num_rows, pa.binary_view()),
        pa.array([None] * batch.num_rows, pa.binary(0)),
        pa.array([None] * batch.num_rows, pa.binary()),
        pa.array([None] * batch.num_rows, pa.float32()),
    ]
    columns, names = list(batch.columns), list(batch.schema.names)
    at = chance.randrange(len(columns))
    how = chance.random()
    if how < 0.7:
        columns[at] = chance.choice(others)
    elif how < 0.8:
        names[at] = chance.choice(names)
    elif how < 0.9 and len(columns) > 1:
        del columns[at], names[at]
    else:
        columns.append(columns[at])
        names.append(chance.choice(["score", "matrix_2", "matrix_²", "x", "text"]))
    return pa.RecordBatch.from_arrays(columns, names)
