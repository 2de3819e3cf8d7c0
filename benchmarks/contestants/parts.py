"""The ceiling of workers that read and write for themselves.

A splitter hands out ranges of the file; each process reads, scores, formats and writes a part, with the digests that a
receipt would need; the kernel joins the parts. There is no ledger and no queue but a pipe: what a queue with such
batches adds comes on top.
"""

import itertools
import multiprocessing
import os
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from benchmarks.contestants.arguments import Arguments, arguments
from benchmarks.contestants.scorer import Scorer
from formats.csv.reader import Reader
from formats.csv.sink import CsvSink
from formats.source import Range
from jobs import digest
from jobs.slices import micro_batches

BLOCKS = 4  # of 2 MiB: what a batch is made of
Batch = tuple[int, list[Any]]  # its number, and its ranges as JSON


def split(given: Arguments, batches: "SimpleQueue[Batch | None]") -> int:
    """Hands out all batches, and an end for each process; returns how many batches there are."""
    number = 0
    with Reader(given.input) as reader:
        ranges = reader.ranges()
        while batch := list(itertools.islice(ranges, BLOCKS)):
            batches.put((number, [found.encode() for found in batch]))
            number += 1
    for _ in range(given.cores):
        batches.put(None)
    return number


def work(given: Arguments, batches: "SimpleQueue[Batch | None]", digests: "SimpleQueue[tuple[int, str]]") -> None:
    score, sink = Scorer(given.model, prepared=True), CsvSink()
    with Reader(given.input) as reader, given.input.open("rb", buffering=0) as file:
        while (batch := batches.get()) is not None:
            number, encoded = batch
            ranges = [Range.decode(each) for each in encoded]
            start, end = ranges[0].start.offset, ranges[-1].end.offset
            sent = xxhash.xxh3_128(os.pread(file.fileno(), end - start, start)).hexdigest()
            lines = bytearray()
            for found in ranges:
                for rows in micro_batches(reader.read(found, ["message_id", "text"]).records):
                    scores = score(rows.column("text").to_numpy(zero_copy_only=False))
                    lines += sink.encode([rows.column("message_id"), pa.array(scores)])
            (given.output / f"{number}.part").write_bytes(lines)
            digests.put((number, f"{sent} {digest.part(lines).digest}"))
    digests.put((-1, ""))


def join(output: Path, parts: int) -> None:
    """All parts, in order, as one file, without a byte of them in this process."""
    with (output / "scores.csv").open("wb") as whole:
        whole.write(CsvSink().header(["message_id", "score"]))
        whole.flush()
        for number in range(parts):
            path = output / f"{number}.part"
            with path.open("rb") as part:
                left = os.fstat(part.fileno()).st_size
                while left:
                    left -= os.copy_file_range(part.fileno(), whole.fileno(), left)
            path.unlink()


def main() -> None:
    given = arguments()
    spawning = multiprocessing.get_context("spawn")
    batches: SimpleQueue[Batch | None] = spawning.SimpleQueue()
    digests: SimpleQueue[tuple[int, str]] = spawning.SimpleQueue()
    processes = [spawning.Process(target=work, args=(given, batches, digests)) for _ in range(given.cores)]
    for process in processes:
        process.start()
    parts = split(given, batches)
    told: dict[int, str] = {}
    ended = 0
    while ended < given.cores:
        number, text = digests.get()
        ended += number < 0
        if number >= 0:
            told[number] = text
    for process in processes:
        process.join()
    if len(told) != parts or any(process.exitcode for process in processes):
        raise SystemExit(1)
    join(given.output, parts)


if __name__ == "__main__":
    main()
