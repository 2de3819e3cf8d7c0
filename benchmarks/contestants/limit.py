"""The limit: bare processes with nothing between them. Each reads its share of the file with pyarrow, runs the session,
and writes with pyarrow. What any queue, ledger or cluster adds comes on top of this."""

import multiprocessing
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc

from benchmarks.contestants.arguments import Arguments, arguments
from benchmarks.contestants.scorer import MICRO_BATCH, Scorer

SCHEMA = pa.schema([("message_id", pa.binary()), ("score", pa.float32())])


def share(path: Path, part: int, parts: int) -> tuple[int, int]:
    """The offsets between which this part's lines begin and end, the header excluded."""
    size = path.stat().st_size

    with path.open("rb") as file:
        header = len(file.readline())

        def line_start(offset: int) -> int:
            if offset <= header:
                return header
            file.seek(offset - 1)
            file.readline()
            return file.tell()

        return line_start(size * part // parts), line_start(size * (part + 1) // parts)


def score_share(given: Arguments, part: int, prepared: bool) -> None:
    scorer = Scorer(given.model, prepared)
    begin, end = share(given.input, part, given.cores)
    if begin == end:
        return
    with pa.OSFile(str(given.input)) as file, pc.CSVWriter(str(given.output / f"{part}.csv"), SCHEMA) as writer:
        reader = pc.open_csv(
            file.get_stream(begin, end - begin),
            read_options=pc.ReadOptions(use_threads=False, block_size=2 << 20, column_names=["message_id", "text"]),
            convert_options=pc.ConvertOptions(column_types={"message_id": pa.binary(), "text": pa.binary()}),
        )
        for batch in reader:
            for start in range(0, batch.num_rows, MICRO_BATCH):
                rows = batch.slice(start, MICRO_BATCH)
                scores = scorer(rows.column("text").to_numpy(zero_copy_only=False))
                columns = [rows.column("message_id"), pa.array(scores)]
                writer.write_batch(pa.record_batch(columns, schema=SCHEMA))


def main(prepared: bool = False) -> None:
    given = arguments()
    spawning = multiprocessing.get_context("spawn")
    processes = [spawning.Process(target=score_share, args=(given, part, prepared)) for part in range(given.cores)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
