"""Names and texts that are not UTF-8, and terminals that can't show them: all of it works, and nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.farm import Farm

CODE = "from nightshift_start import producer; producer()"


def producer(farm: Farm, *words: str | bytes, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-c", CODE, *words]
    return subprocess.run(command, capture_output=True, env={**os.environ, "REDIS_URL": farm.server.url, **environment})


def test_a_file_whose_name_is_not_utf8(farm: Farm, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/n\xe9.csv"
    with open(path, "w") as file:  # noqa: PTH123 -- of bytes
        file.write("message_id,text\n1,hello\n")
    run = producer(farm, "enqueue", path, "--wait")
    assert run.returncode == 0, run.stderr
    scores = path.replace(b".csv", b".scores.csv")
    assert os.path.exists(scores)  # noqa: PTH110 -- of bytes
    assert producer(farm, "verify", scores).returncode == 0
    assert producer(farm, "enqueue", path, "--wait").returncode == 0, "and again"


def test_a_terminal_that_knows_ascii_alone(farm: Farm, tmp_path: Path) -> None:
    path = tmp_path / "ünï.csv"
    path.write_text("message_id,text\n1,hello\n")
    for settings in ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        run = producer(farm, "enqueue", str(path), "--wait", **settings)
        assert run.returncode == 0, run.stderr


def test_scores_with_kept_texts_that_are_not_utf8_are_a_data_frame(farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"message_id,text\n1,caf\xe9\n")
    code = (
        "import os, producer\n"
        "job = producer.enqueue('m.csv', keep=['text'], dialect={'encoding': 'utf-8'})\n"
        "job.wait()\n"
        "assert os.fsencode(job.scores().text[0]) == b'caf\\xe9'\n"
        "from producer import enqueue\n"
        "again = enqueue('m.csv', keep=['text'], dialect={'encoding': 'utf-8'})\n"
        "again.wait('out.csv')\n"
        "assert os.fsencode(again.scores().text[0]) == b'caf\\xe9'\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "REDIS_URL": farm.server.url},
    )
    assert run.returncode == 0, run.stderr
