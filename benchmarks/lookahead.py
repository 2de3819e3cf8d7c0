"""How true `producer plan` is: fifty varied files are planned, and then scored in the embedded mode; whether each ended
within its interval, how wide that was, and what memory it took beside what was said.

    python -m benchmarks.lookahead MODEL PATH      builds one of the graphs below
"""

import csv
import gzip
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import graphs, measure, wide
from benchmarks.compare import Setting
from benchmarks.report import heading, megabytes, say, table

FILES = 50
WITHIN = 42  # of them are to end within their intervals
PRODUCER = str(Path(sys.executable).with_name("producer"))
MESSAGES = graphs.ROOT / "data" / "messages.csv"

Row = tuple[str, ...]
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One file, and the model that scores it."""

    name: str
    model: str  # spam, cheap, xy, wide or deep
    rows: int
    length: str = "short"  # of texts: short, long, growing
    delimiter: str = ","
    encoding: str = "utf-8"
    packed: str = ""


def kinds(count: int) -> list[Kind]:
    """The same ones each time."""
    chance = random.Random(7)
    found = [Kind("header-only", "spam", 0), Kind("one", "spam", 1), Kind("one-of-numbers", "xy", 1)]
    while len(found) < count:
        model = chance.choice(("spam", "spam", "spam", "cheap", "cheap", "xy", "wide", "deep"))
        length = chance.choice(("short", "short", "long", "growing"))
        most = {"wide": 15_000, "deep": 20_000, "xy": 500_000}.get(model, 30_000 if length == "long" else 200_000)
        rows = int(10 ** chance.uniform(2, math.log10(most)))
        encoding = chance.choice(("utf-8",) * 5 + ("cp1252", "utf-16"))
        delimiter, packed = chance.choice((",", ",", ";", "\t")), chance.choice(("", "", "", ".gz", ".zst"))
        name = f"{len(found):02}-{model}-{rows}"
        found.append(Kind(name, model, rows, length, delimiter, encoding, packed))
    return found[:count]


def table_of(kind: Kind) -> Iterator[Row]:
    chance = random.Random(kind.name)
    if kind.model == "xy":
        yield "id", "x", "y"
        yield from (
            (str(row), str(chance.randrange(10_000)), str(chance.randrange(10_000))) for row in range(kind.rows)
        )
    elif kind.model == "wide":
        yield ("id", *(f"x_{column}" for column in range(wide.WIDTH)))
        for row in range(kind.rows):
            yield (str(row), *(f"{chance.random():.4f}" for _ in range(wide.WIDTH)))
    else:
        with MESSAGES.open(encoding="utf-8", newline="") as file:
            texts = [row["text"].replace("\n", " ") for row in csv.DictReader(file)]
        if kind.encoding == "cp1252":
            texts = [f"{text} café" for text in texts if text.isascii()]
        yield "id", "channel", "text"
        for row in range(kind.rows):
            times = {"short": 1, "long": 20, "growing": 1 + 10 * row // kind.rows}[kind.length]
            yield str(row), chance.choice(("sms", "chat")), " ".join(chance.choice(texts) for _ in range(times))


def write(kind: Kind, folder: Path) -> Path:
    """Where it is; made once."""
    path = folder / f"{kind.name}.csv{kind.packed}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        plain = folder / "plain"
        with plain.open("w", encoding=kind.encoding, newline="") as file:
            csv.writer(file, delimiter=kind.delimiter, lineterminator="\n").writerows(table_of(kind))
        path.write_bytes(PACKED[kind.packed](plain.read_bytes()))
        plain.unlink()
    return path


def model_of(work: Path, name: str) -> Path:
    if name in ("spam", "cheap"):
        return graphs.graph(work, name)
    if name == "wide":
        return wide.graph(work)
    path = work / f"{name}.pb"
    if not path.exists():
        command = [sys.executable, "-m", "benchmarks.lookahead", name, str(path)]
        subprocess.run(command, cwd=graphs.ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, check=True)
    return path


def build(name: str) -> bytes:
    """`xy`, which computes nearly nothing, or `deep`, which takes a millisecond for each text."""
    import numpy as np
    import tensorflow as tf
    from tensorflow.compat import v1

    with v1.Graph().as_default() as built:
        if name == "xy":
            tf.add(v1.placeholder(tf.int32, [None], "x") * v1.placeholder(tf.int32, [None], "y"), 1, name="score")
        else:
            letters = tf.io.decode_raw(v1.placeholder(tf.string, [None], "text"), tf.uint8, fixed_length=512)
            layer = tf.cast(letters, tf.float32) / 255
            for width in (2048, 2048, 1024):
                weights = np.random.default_rng(width).normal(scale=0.03, size=(int(layer.shape[1]), width))
                layer = tf.nn.relu(tf.matmul(layer, tf.constant(weights.astype(np.float32))))
            tf.sigmoid(tf.reduce_mean(layer, axis=1), name="score")
        return built.as_graph_def().SerializeToString()


def lookahead(setting: Setting, count: int = FILES) -> dict[str, Any]:
    """Each file's plan, and what it took. SystemExit if one can't be planned or scored."""
    found = []
    for kind in kinds(count):
        file, model = write(kind, setting.work / "lookahead"), model_of(setting.work, kind.model)
        home = setting.work / "lookahead-home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        environment = {"NIGHTSHIFT_HOME": str(home)}
        options = [str(file), "--model", str(model)]
        planned = measure.run([PRODUCER, "plan", *options, "--json"], setting.cores, setting.timeout, environment)
        output = str(home / "out.scores.csv")
        command = [PRODUCER, "enqueue", *options, "--output", output, "--quiet", "--json"]
        scored = measure.run(command, setting.cores, setting.timeout, environment)
        if error := planned.error or scored.error:
            raise SystemExit(f"{kind.name}: {error}")
        said = planned.said
        each = {
            "name": kind.name, "bytes": file.stat().st_size, "kind": repr(kind),
            "low": said["seconds"]["low"], "high": said["seconds"]["high"], "took": scored.seconds,
            "records": said["records"], "records_interval": said["records_interval"],
            "truly": scored.said["records"], "memory_said": said["memory_bytes"], "memory": scored.memory,
            "planning": planned.seconds, "scoring": scored.said["scoring_seconds"],
        }  # fmt: skip
        found.append(each)
        memory = "" if said["memory_bytes"] is None else f"; {megabytes(said['memory_bytes'])} MB, took "
        say(
            f"{kind.name}: {each['low']} to {each['high']} s, took {each['took']:.1f} s"
            f"{memory}{megabytes(scored.memory) if memory else ''}"
        )
    return {"cores": len(setting.cores), "files": found}


def is_within(each: dict[str, Any]) -> bool:
    return bool(each["low"] <= each["took"] <= each["high"])


def report(results: dict[str, Any]) -> str:
    files = results["files"]
    rows = [
        (
            each["name"], megabytes(each["bytes"]), f"{each['low']} to {each['high']}", f"{each['took']:.1f}",
            "yes" if is_within(each) else "no", f"{each['records']:,}", f"{each['truly']:,}",
            megabytes(each["memory_said"]), megabytes(each["memory"]), f"{each['planning']:.1f}",
        )
        for each in files
    ]  # fmt: skip
    width = statistics.median(each["high"] / each["low"] for each in files)
    within = sum(map(is_within, files))
    memory = statistics.median(each["memory_said"] / each["memory"] for each in files if each["memory_said"])
    counts = sum(each["records_interval"][0] <= each["truly"] <= each["records_interval"][1] for each in files)
    about = (
        f"{within} of {len(files)} files ended within the interval that `producer plan` had told; {WITHIN} of {FILES} "
        f"should. Its upper end is {width:.1f} times its lower one (median). The memory told was {memory:.2f} times "
        f"what was used (median). The number of records was within its interval in {counts}. On {results['cores']} "
        "cores."
    )
    head = ("file", "MB", "told, s", "took, s", "within", "records told", "truly", "MB told", "used", "plan, s")
    return heading("Plans", results["machine"], about) + "\n" + table(head, rows)


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(build(sys.argv[1]))
