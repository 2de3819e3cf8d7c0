"""A graph of 300 floats a record, from as many columns, beside a bare process that parses and feeds by itself.

python -m benchmarks.wide FILE MODEL OUTPUT     the bare process
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import graphs, measure
from benchmarks.compare import Setting
from benchmarks.growth import nightshift
from benchmarks.report import say

WIDTH = 300
BLOCK = 1000  # rows that are made at once
MICRO_BATCH = 1024


def wide(setting: Setting, rounds: int) -> dict[str, Any]:
    """Rates of both, in turns: what the rows beyond those of a small file take."""
    model = graph(setting.work)
    small, whole = (table(setting.work, rows) for rows in (setting.small, setting.rows))
    taken: dict[str, list[float]] = {"a bare process": [], "Nightshift": []}
    cpu: dict[str, list[float]] = {name: [] for name in taken}
    for number in range(rounds):
        for name in taken:
            runs = []
            for file, rows in ((small, setting.small), (whole, setting.rows)):
                runs.append(
                    nightshift(setting, file, model, rows) if name == "Nightshift" else bare(setting, file, model)
                )
            taken[name].append(runs[1].seconds - runs[0].seconds)
            cpu[name].append(runs[1].cpu_seconds - runs[0].cpu_seconds)
            say(f"wide, round {number + 1} of {rounds}: {name} {runs[0].seconds:.1f} s and {runs[1].seconds:.1f} s")
    rows = setting.rows - setting.small
    return {
        "rows": setting.rows,
        "width": WIDTH,
        "cores": len(setting.cores),
        "rates": {name: rows / statistics.median(seconds) for name, seconds in taken.items()},
        "cpu_seconds_a_million": {name: statistics.median(each) / rows * 1e6 for name, each in cpu.items()},
        "all": taken,
    }


def bare(setting: Setting, file: Path, model: Path) -> measure.Run:
    """A run of the bare process. SystemExit if it fails."""
    output = setting.work / "output" / "bare.csv"
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.wide", str(file), str(model), str(output)]
    run = measure.run(command, setting.cores, setting.timeout)
    if run.error:
        raise SystemExit(f"the bare process: {run.error}")
    return run


def table(work: Path, rows: int) -> Path:
    """A CSV file with the columns message_id and x_0 to x_299; the same numbers each time."""
    import numpy as np

    path = work / f"wide-{rows}.csv"
    if path.exists():
        return path
    work.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    partial = path.with_suffix(".partial")
    with partial.open("w") as file:
        file.write("message_id," + ",".join(f"x_{column}" for column in range(WIDTH)) + "\n")
        for begin in range(0, rows, BLOCK):
            numbers = random.normal(size=(min(BLOCK, rows - begin), WIDTH)).round(4).astype(str)
            lines = (f"{begin + row},{','.join(line)}\n" for row, line in enumerate(numbers.tolist()))
            file.writelines(lines)
    partial.rename(path)
    return path


def graph(work: Path) -> Path:
    """The frozen graph: a hidden layer of 32. Made in a process of its own, as graphs.graph does."""
    path = work / "wide.pb"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", f"import benchmarks.wide; benchmarks.wide.build({str(path)!r})"]
        subprocess.run(command, cwd=graphs.ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, check=True)
    return path


def build(path: str) -> None:
    import numpy as np
    import tensorflow as tf
    from tensorflow.compat import v1

    random = np.random.default_rng(0)
    with v1.Graph().as_default() as built:
        x = v1.placeholder(tf.float32, [None, WIDTH], name="x")
        hidden = tf.nn.relu(tf.matmul(x, tf.constant(random.normal(size=(WIDTH, 32)).astype(np.float32))))
        tf.sigmoid(tf.linalg.matvec(hidden, tf.constant(random.normal(size=32).astype(np.float32))), name="score")
    Path(path).write_bytes(built.as_graph_def().SerializeToString())


def score(file: str, model: str, output: str) -> None:
    """What one would write by hand, with all of pyarrow's and TensorFlow's threads."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as pc
    from tensorflow.compat import v1

    with v1.Graph().as_default() as loaded:
        v1.import_graph_def(v1.GraphDef.FromString(Path(model).read_bytes()), name="")
    names = [f"x_{column}" for column in range(WIDTH)]
    types = {"message_id": pa.binary(), **dict.fromkeys(names, pa.float32())}
    schema = pa.schema([("message_id", pa.binary()), ("score", pa.float32())])
    reader = pc.open_csv(
        file, pc.ReadOptions(block_size=4 << 20), convert_options=pc.ConvertOptions(column_types=types)
    )
    with v1.Session(graph=loaded) as session, pc.CSVWriter(output, schema) as writer:
        for batch in reader:
            for begin in range(0, batch.num_rows, MICRO_BATCH):
                rows = batch.slice(begin, MICRO_BATCH)
                matrix = np.stack([rows.column(name).to_numpy() for name in names], axis=1)
                scores = session.run("score:0", {"x:0": matrix})
                writer.write_batch(pa.record_batch([rows.column("message_id"), pa.array(scores)], schema=schema))


if __name__ == "__main__":
    score(*sys.argv[1:])
