"""The same records have the same scores, bit for bit, whatever their file looks like and on whichever way they come."""

import csv
import io
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.formats.packing import pack
from tests.support import until
from tests.support.checkout import MESSAGES, PRODUCER
from tests.support.farm import Farm

RECORDS = 3000
PIPED, FIFO = "standard input", "a FIFO"


class Way(NamedTuple):
    """How the records are written; `words` are for what can't be found in the file."""

    name: str = "messages.csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    container: str = ""
    words: tuple[str, ...] = ()


WAYS = {
    "plain": Way(),
    "tabs": Way("messages.tsv", "\t"),
    "semicolons, windows-1252": Way(delimiter=";", encoding="windows-1252"),
    "utf-16": Way("messages.txt", "\t", "utf-16"),
    "gb18030": Way(encoding="gb18030", words=("--encoding", "gb18030")),
    "gzip": Way("messages.csv.gz", container="gzip"),
    "zstd": Way("messages.csv.zst", container="zstd"),
    "bzip2": Way("messages.csv.bz2", container="bzip2"),
    "xz": Way("messages.csv.xz", container="xz"),
    "zip": Way("messages.zip", container="zip deflated"),
    "gzip of semicolons in utf-16": Way("messages.gz", ";", "utf-16", "gzip"),
    PIPED: Way(),
    FIFO: Way(container="gzip"),
}
SLOW = ("bzip2", "xz", "gzip of semicolons in utf-16")
FAST = {name: number % 2 for number, name in enumerate(WAYS) if name not in SLOW}  # the others go one of both ways


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    """Messages that windows-1252 has letters for, with line ends, quotes and delimiters in them."""
    with MESSAGES.open(newline="", encoding="utf-8") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    western = [text for text in texts if text.encode("windows-1252", "ignore").decode("windows-1252") == text]
    assert sum(not text.isascii() for text in western[:RECORDS]) > 100
    return [[f"m{number}", text] for number, text in enumerate(western[:RECORDS], 1)]


def written(rows: Sequence[Sequence[str]], way: Way) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=way.delimiter, lineterminator="\r\n").writerows([["message_id", "text"], *rows])
    content = text.getvalue().encode(way.encoding)
    return pack(way.container, content) if way.container else content


def environment(farm: Farm, folder: Path, reference: bool) -> dict[str, str]:
    spool = {"NIGHTSHIFT_SPOOL": str(farm.spool)} if reference else {}
    return {"NIGHTSHIFT_HOME": str(folder / "home"), **spool}


def piped(farm: Farm, content: bytes, words: Sequence[object], said: dict[str, str]) -> tuple[int, str, str]:
    """`producer enqueue -` with that as its standard input."""
    run = subprocess.run(
        [PRODUCER, "enqueue", "-", *map(str, words)],
        input=content,
        env={**os.environ, "REDIS_URL": farm.server.url, **said},
        capture_output=True,
        timeout=120,
    )
    return run.returncode, run.stdout.decode(), run.stderr.decode()


Score = Callable[[str, bool, Path], bytes]


@pytest.fixture(scope="module")
def score(farm: Farm, rows: list[list[str]]) -> Score:
    """Scores the records on one of the ways, by reference or through the server: the scores file, proved."""

    def run(name: str, reference: bool, folder: Path) -> bytes:
        way, output = WAYS[name], folder / "out.csv"
        content, said = written(rows, way), environment(farm, folder, reference)
        words = ("--output", output, "--json", "--again", "--batch-bytes", 60_000, *way.words)
        if name == PIPED:
            code, out, err = piped(farm, content, words, said)
        else:
            path = folder / way.name
            if name == FIFO:
                os.mkfifo(path)
                threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()
            else:
                path.write_bytes(content)
            found = farm.producer("enqueue", path, *words, **said)
            code, out, err = found.code, found.out, found.err
        assert code == 0, err
        receipt = json.loads(out)
        assert (receipt["records"], receipt["scored"], receipt["agrees"]) == (RECORDS, RECORDS, True)
        proof = farm.producer("verify", output, **said)
        assert proof.code == 0, proof.err
        return output.read_bytes()

    return run


@pytest.fixture(scope="module")
def plain_scores(score: Score, rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    content = score("plain", True, tmp_path_factory.mktemp("plain"))
    assert [line.partition(",")[0] for line in content.decode().splitlines()[1:]] == [id for id, _ in rows]
    return content


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        pytest.param(
            name,
            bool(reference),
            id=f"{name}, {'by reference' if reference else 'through the server'}",
            marks=[pytest.mark.slow] * (FAST.get(name) != reference),
        )
        for name in WAYS
        for reference in (0, 1)
    ],
)
def test_the_scores_have_the_same_bits(
    score: Score, plain_scores: bytes, tmp_path: Path, name: str, reference: bool
) -> None:
    assert score(name, reference, tmp_path) == plain_scores


@pytest.mark.parametrize(
    ("name", "reference"),
    [("gzip", True), pytest.param("gzip", False, marks=pytest.mark.slow), (PIPED, False),
     pytest.param(PIPED, True, marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_producer_killed_in_the_middle_is_continued_by_the_same_command(
    farm: Farm, rows: list[list[str]], plain_scores: bytes, tmp_path: Path, name: str, reference: bool
) -> None:
    """Its copy is there: it is not made again, and the piped bytes are the same input when they are piped again. The
    workers stand still until it is dead, so that it dies in the middle."""
    way, output = WAYS[name], tmp_path / "out.csv"
    content, said = written(rows, way), environment(farm, tmp_path, reference)
    path = tmp_path / way.name
    path.write_bytes(content)
    words = ("--output", output, "--json", "--batch-bytes", 60_000)
    before = set(farm.ledger.job_ids())
    for worker in farm.workers:
        os.killpg(worker.process.pid, signal.SIGSTOP)
    try:
        first = _started(farm, path, name == PIPED, words, said)
        until(lambda: bool({*farm.ledger.job_ids()} - before), 60)
        [job] = {*farm.ledger.job_ids()} - before
        until(lambda: farm.ledger.progress(job).batches > 2, 60)
        assert first.poll() is None
        first.kill()
        first.communicate()
    finally:
        for worker in farm.workers:
            os.killpg(worker.process.pid, signal.SIGCONT)
    second = _started(farm, path, name == PIPED, words, said)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    receipt = json.loads(out)
    assert (receipt["job"], receipt["scored"], receipt["agrees"]) == (job, RECORDS, True)
    assert output.read_bytes() == plain_scores
    assert farm.producer("verify", output, **said).code == 0


def _started(
    farm: Farm, path: Path, as_standard_input: bool, words: Sequence[object], said: dict[str, str]
) -> "subprocess.Popen[str]":
    with path.open("rb") as file:
        return subprocess.Popen(
            [PRODUCER, "enqueue", "-" if as_standard_input else str(path), *map(str, words)],
            stdin=file if as_standard_input else subprocess.DEVNULL,
            env={**os.environ, "REDIS_URL": farm.server.url, **said},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def test_a_producer_killed_while_it_is_piped_to_leaves_nothing_in_the_way(
    farm: Farm, rows: list[list[str]], plain_scores: bytes, tmp_path: Path
) -> None:
    content, said = written(rows, WAYS[PIPED]), environment(farm, tmp_path, False)
    words = ("--output", tmp_path / "out.csv", "--json", "--again", "--batch-bytes", 60_000)
    first = subprocess.Popen(
        [PRODUCER, "enqueue", "-", *map(str, words)],
        stdin=subprocess.PIPE,
        env={**os.environ, "REDIS_URL": farm.server.url, **said},
        stderr=subprocess.DEVNULL,
    )
    assert first.stdin
    first.stdin.write(content[: len(content) // 2])
    first.stdin.flush()
    until(lambda: any(path.stat().st_size for path in (tmp_path / "home").rglob("*.partial")), 60)
    first.kill()
    first.wait()
    first.stdin.close()
    code, _, err = piped(farm, content, words, said)
    assert code == 0, err
    assert (tmp_path / "out.csv").read_bytes() == plain_scores
    assert not list((tmp_path / "home").rglob("*.partial"))
