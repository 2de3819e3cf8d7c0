"""Graphs of the families that a worker refuses, run without the refusal: what do they reach?

    python -m tests.support.hostile FOLDER

Runs them in two forks of one process that has TensorFlow imported: in one that is free, and in one that is what a
worker's child is, after it has had a session. Prints, as JSON, what each of them reached: {"free": {family: {"reached":
[what], "said": text}}, "caged": {…}}.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.checkout import ROOT

SECRET = "what-only-the-operator-knows"  # noqa: S105
MODEL = (ROOT / "data" / "spam.pb").read_bytes()
SECONDS = 3.0  # that a graph may take
LAST = "data service"  # it waits for an answer, and nothing interrupts it


class Target:
    """What is to be reached, for one of the two processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.out.mkdir(parents=True)
        self.secret = folder / "secret.txt"
        self.secret.write_text(f"{SECRET}\n")
        self.secret.chmod(0o600)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(folder / "socket"))
        self.socket.listen()
        self.socket.setblocking(False)
        self.neighbour = subprocess.Popen(["sleep", "600"])

    def reached(self) -> Iterator[str]:
        """What there is to see of it since the last call."""
        for path in sorted(self.out.rglob("*")):
            if path.is_file():
                yield f"wrote {path.name}"
                path.unlink()
        if not self.secret.exists() or self.secret.stat().st_mode & 0o777 != 0o600:
            yield "changed the secret"
            self.secret.write_text(f"{SECRET}\n")
            self.secret.chmod(0o600)
        for each in (self.listener, self.socket):
            with contextlib.suppress(BlockingIOError):
                each.accept()[0].close()
                yield "connected"
        if self.neighbour.poll() is not None:
            yield "ended a neighbour"
            self.neighbour = subprocess.Popen(["sleep", "600"])

    def close(self) -> None:
        self.neighbour.kill()
        self.neighbour.wait()
        self.listener.close()
        self.socket.close()


def families(target: Target) -> dict[str, Callable[[], Any]]:
    """By name, what builds a graph in the default one, and returns what to run."""
    import tensorflow as tf

    v1, raw, secret, out = tf.compat.v1, tf.raw_ops, str(target.secret), target.out

    def restored() -> Any:
        return v1.train.NewCheckpointReader(str(target.folder / "checkpoint")).get_tensor("x")

    def by_reader(reader: Any, path: str = secret) -> Any:
        queue = v1.FIFOQueue(1, [tf.string], shapes=[[]])
        with tf.control_dependencies([queue.enqueue([path])]):
            return reader.read(queue)

    def lines(dataset: Any) -> Any:
        return v1.data.make_one_shot_iterator(dataset).get_next()

    def table() -> Any:
        table = raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
        fill = raw.InitializeTableFromTextFileV2(
            table_handle=table, filename=secret, key_index=-2, value_index=-1, vocab_size=1, delimiter="\t"
        )
        with tf.control_dependencies([fill]):
            return raw.LookupTableExportV2(table_handle=table, Tkeys=tf.string, Tvalues=tf.int64)

    def summary() -> Any:
        writer = raw.SummaryWriter(shared_name="w", container="")
        made = raw.CreateSummaryFileWriter(
            writer=writer, logdir=str(out), max_queue=1, flush_millis=1, filename_suffix="x"
        )
        with tf.control_dependencies([made]):
            return raw.FlushSummaryWriter(writer=writer)

    def service() -> Any:
        return tf.data.experimental.service.from_dataset_id(
            "parallel_epochs", f"grpc://127.0.0.1:{target.port}", tf.constant("x"), tf.TensorSpec([], tf.int64)
        )

    def debug(url: str) -> Any:
        return raw.DebugIdentity(input=tf.constant([1.0]), device_name="", tensor_name="x:0", debug_urls=[url])

    def python(function: Callable[[], object]) -> Any:
        return v1.py_func(lambda: str(function()), [], tf.string)

    def connect(family: int, address: Any) -> str:
        with socket.socket(family) as found:
            found.connect(address)
        return "connected"

    def run() -> str:
        return str(subprocess.run(["touch", str(out / "started")], check=True))

    def environment() -> str:
        return Path(f"/proc/{os.getppid()}/environ").read_text() and SECRET

    return {
        "ReadFile": lambda: raw.ReadFile(filename=secret),
        "WriteFile": lambda: raw.WriteFile(filename=str(out / "written"), contents="x"),
        "MatchingFiles": lambda: raw.MatchingFiles(pattern=f"{target.folder}/secret*"),
        "Save": lambda: raw.Save(filename=str(out / "save"), tensor_names=["x"], data=[tf.constant([1.0])]),
        "SaveV2": lambda: raw.SaveV2(
            prefix=str(out / "saved"), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant([1.0])]
        ),
        "RestoreV2": lambda: raw.RestoreV2(
            prefix=str(target.folder / "checkpoint"), tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.string]
        ),
        "checkpoint reader": lambda: python(restored),
        "ImmutableConst": lambda: v1.py_func(
            lambda found: found.tobytes(),
            [raw.ImmutableConst(dtype=tf.uint8, shape=[len(SECRET)], memory_region_name=secret)],
            tf.string,
        ),
        "PrintV2": lambda: raw.PrintV2(input="x", output_stream=f"file://{out}/printed"),
        "WholeFileReader": lambda: by_reader(v1.WholeFileReader()),
        "TextLineReader": lambda: by_reader(v1.TextLineReader()),
        "TFRecordReader": lambda: by_reader(v1.TFRecordReader(), str(target.folder / "checkpoint.records")),
        "TextLineDataset": lambda: lines(tf.data.TextLineDataset(secret)),
        "TFRecordDataset": lambda: lines(tf.data.TFRecordDataset(str(target.folder / "checkpoint.records"))),
        "table of a file": table,
        "FixedUnigramCandidateSampler": lambda: raw.FixedUnigramCandidateSampler(
            true_classes=[[0]], num_true=1, num_sampled=1, unique=False, range_max=1, vocab_file=secret
        ),
        "summary writer": summary,
        "DebugIdentity to a file": lambda: debug(f"file://{out}/debug"),
        "Python reads": lambda: python(target.secret.read_text),
        "Python writes": lambda: python(lambda: (out / "python").write_text("x")),
        "Python removes": lambda: python(target.secret.unlink),
        "Python changes a mode": lambda: python(lambda: target.secret.chmod(0o644)),
        "Python connects by TCP": lambda: python(lambda: connect(socket.AF_INET, ("127.0.0.1", target.port))),
        "Python connects to a socket": lambda: python(lambda: connect(socket.AF_UNIX, str(target.folder / "socket"))),
        "Python starts a program": lambda: python(run),
        "Python ends a neighbour": lambda: python(lambda: os.kill(target.neighbour.pid, signal.SIGKILL)),
        "Python reads its parent's environment": lambda: python(environment),
        LAST: lambda: lines(service()),
    }


def save(prefix: Path) -> None:
    """A checkpoint whose tensor `x` is the secret, and a file of records, which has it too."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        saved = tf.raw_ops.SaveV2(
            prefix=str(prefix), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant([SECRET])]
        )
        session.run(saved)
    with tf.io.TFRecordWriter(f"{prefix}.records") as writer:
        writer.write(SECRET)


def attack(target: Target, say: Callable[[dict[str, Any]], None]) -> None:
    """Runs all, and says what came of each."""
    import tensorflow as tf

    v1 = tf.compat.v1
    for name, build in families(target).items():
        if name == LAST:
            say({"family": ""})
        with v1.Graph().as_default():
            try:
                fetch = build()
                with v1.Session() as session:
                    result = repr(session.run(fetch, options=v1.RunOptions(timeout_in_ms=int(SECONDS * 1000))))
            except Exception as error:
                result = f"{type(error).__name__}: {error}"
        time.sleep(0.05)  # what it wrote or sent may take a moment
        say({"family": name, "result": result})


def in_a_fork(target: Target, prepare: Callable[[], None]) -> dict[str, dict[str, Any]]:
    """What each family reached, and what it came to."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            ours.close()
            prepare()
            with theirs.makefile("rw") as end:

                def say(found: dict[str, Any]) -> None:
                    end.write(f"{json.dumps(found)}\n")
                    end.flush()
                    end.readline()

                attack(target, say)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(0)
    theirs.close()
    found: dict[str, dict[str, Any]] = {}
    with contextlib.suppress(ConnectionResetError), ours.makefile("rw") as end:
        for line in end:
            said = json.loads(line)
            if said["family"] == "":
                end.write("\n")
                end.flush()
                time.sleep(SECONDS)
                said = {"family": LAST, "result": "nothing"}
                os.kill(child, signal.SIGKILL)
            reached = list(target.reached())
            if SECRET in said["result"] or target.secret.name in said["result"].split("Error:")[0]:
                reached.append("read the secret")
            found[said["family"]] = {"reached": reached, "said": said["result"][:300]}
            with contextlib.suppress(BrokenPipeError):
                end.write("\n")
                end.flush()
    os.waitpid(child, 0)
    return found


def be_a_workers_child() -> None:
    """As worker/app.py does, and with a session behind it."""
    import hashlib

    import numpy as np

    from jobs.settings import Settings
    from worker.cage.choice import choose_cage
    from worker.models import open_model
    from worker.process import WorkerProcess

    settings = Settings.from_environment()
    WorkerProcess(settings).begin_child(choose_cage(settings, forks=True))
    model = open_model(hashlib.sha256(MODEL).hexdigest(), MODEL, 1).model
    model.prepare(("text:0",), ("score:0",))([np.array([b"earlier"], dtype=object)])


def main(folder: Path) -> None:
    from model import environment

    environment.prepare()
    import tensorflow as tf  # noqa: F401 -- before the forks, as in a worker

    found = {}
    checkpoint = folder / "checkpoint"
    if (child := os.fork()) == 0:
        save(checkpoint)
        os._exit(0)
    os.waitpid(child, 0)
    for name, prepare in (("free", lambda: None), ("caged", be_a_workers_child)):
        target = Target(folder / name)
        for part in folder.glob("checkpoint*"):
            part.replace(target.folder / part.name) if name == "caged" else shutil.copy(part, target.folder)
        try:
            found[name] = in_a_fork(target, prepare)
        finally:
            target.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
