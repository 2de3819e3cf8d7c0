"""Everybody else's files: what nobody says is found in them and said, and what can't be found out is asked."""

import json
from pathlib import Path

import numpy as np
import pytest

import producer
from formats.errors import NightshiftError
from tests.support.farm import Farm
from tests.support.tables import read

ROWS = [("1", "hello, you; there"), ("2", "WIN a FREE prize, é"), ("3", "call now"), ("4", "see you")]


def export(path: Path, delimiter: str = ";", encoding: str = "cp1252", head: str = "id{}text\n") -> Path:
    text = "".join(f'{number}{delimiter}"{text}"\n' for number, text in ROWS)
    path.write_bytes((head.format(delimiter) + text).encode(encoding))
    return path


@pytest.fixture
def plain(farm: Farm, tmp_path: Path) -> list[dict[str, str]]:
    """The scores of the same records in plain CSV."""
    path = export(tmp_path / "plain.csv", ",", "utf-8")
    assert farm.producer("enqueue", path, "--wait").code == 0
    return read(tmp_path / "plain.scores.csv")


@pytest.mark.parametrize(
    ("delimiter", "encoding", "head", "said", "options"),
    [
        (";", "cp1252", "id{}text\n", "';' between fields, windows-1252, with a header", ()),
        ("\t", "utf-8", "id{}text\n", "'\\t' between fields, UTF-8, with a header", ()),
        ("|", "utf-8", "sep=|\nid{}text\n", "'|' between fields, UTF-8, 1 line skipped, with a header", ()),
        (",", "utf-16", "id{}text\n", "',' between fields, UTF-16, with a header", ()),
        (";", "utf-8-sig", "# of a machine\nid{}text\n", "comments behind '#', with a header", ()),
        (":", "utf-8", "id{}text\n", "':' between fields", ("--delimiter", ":")),
        (",", "iso2022_jp", "id{}テキスト\n", "iso2022_jp", ("--encoding", "iso2022-jp", "--feed", "text=テキスト")),
        (";", "utf-8", "", "without a header", ("--columns", "id,text")),
    ],
)
def test_a_file_is_scored_as_if_it_were_plain_csv(
    farm: Farm, tmp_path: Path, plain: list[dict[str, str]],
    delimiter: str, encoding: str, head: str, said: str, options: tuple[str, ...],
) -> None:  # fmt: skip
    if encoding == "iso2022_jp":  # which has no é
        plain = [row for row in plain if row["id"] != "2"]
    path = tmp_path / "export.csv"
    text = "".join(f'{n}{delimiter}"{each}"\n' for n, each in ROWS if encoding != "iso2022_jp" or n != "2")
    path.write_bytes((head.format(delimiter) + text).encode(encoding))
    run = farm.producer("enqueue", path, "--wait", *options)
    assert run.code == 0, run.err
    assert said in run.err.replace("\n", " ")
    assert read(tmp_path / "export.scores.csv") == plain
    verdict = farm.producer("verify", tmp_path / "export.scores.csv", "--json")
    assert json.loads(verdict.out)["notes"] == [], "the input is compared, too"
    assert verdict.code == 0


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"id:text\n1:a\n2:b\n", "--delimiter :"),
        (b"a report\nid;text\n1;a\n2;b\n", "--skip-lines 1"),
        (b'id,text\n1,"a \\"b\\" c"\n2,"x"\n', "--escape '\\'"),
        (b"1,2\n", "--no-header"),
        ("id,text\n1,你好你好\n2,世界世界\n".encode("gbk"), "--encoding NAME"),
    ],
)
def test_what_is_in_doubt_is_asked_before_anything_is_scored(
    farm: Farm, tmp_path: Path, content: bytes, wanted: str
) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    run = farm.producer("enqueue", path, "--wait")
    assert run.code == 1
    assert wanted in run.err
    assert run.err.count("\n") == 1
    assert run.err.isascii(), "nothing of a file is shown raw"
    assert [each.name for each in tmp_path.iterdir()] == ["odd.csv"]


def test_what_is_said_beside_a_file_holds_for_it_and_an_option_wins(
    farm: Farm, tmp_path: Path, plain: list[dict[str, str]]
) -> None:
    path = export(tmp_path / "odd.csv", "^", head="made by a machine\nid{}text\n")
    (tmp_path / "messages.toml").write_text('[dialect]\ndelimiter = "^"\nskip-lines = 1\nencoding = "latin-1"\n')
    run = farm.producer("enqueue", path, "--wait")
    assert run.code == 0, run.err
    assert "ISO-8859-1" in run.err
    assert read(tmp_path / "odd.scores.csv") == plain
    (tmp_path / "odd.toml").write_text('[dialect]\ndelimiter = "^"\nskip-lines = 2\n')
    run = farm.producer("enqueue", path, "--wait", "--skip-lines", 1)
    assert run.code == 0, run.err
    assert "windows-1252" in run.err, "the file's own is the only one"
    (tmp_path / "odd.toml").write_text('[dialect]\ndelimitr = "^"\n')
    run = farm.producer("enqueue", path, "--wait")
    assert (run.code, "'delimitr'" in run.err) == (1, True)


def test_a_job_goes_on_as_it_was_read_first(farm: Farm, tmp_path: Path) -> None:
    """Another dialect is another job, and the same one finds its job again."""
    path = export(tmp_path / "twice.csv")
    assert farm.producer("enqueue", path, "--wait").code == 0
    first = json.loads(farm.producer("enqueue", path, "--wait", "--json").out)
    assert first["dialect"] == {"delimiter": ";", "encoding": "cp1252"}
    other = json.loads(farm.producer("enqueue", path, "--wait", "--json", "--encoding", "cp1250").out)
    assert other["job"] != first["job"]
    again = json.loads(farm.producer("enqueue", path, "--wait", "--json", "--delimiter", ";").out)
    assert again["job"] == first["job"]


def test_rejects_are_scored_again_in_their_dialect(farm: Farm, tmp_path: Path) -> None:
    """The raw text is UTF-8; the excerpt that `retry` scores is read as it was written."""
    path = tmp_path / "large.csv"
    path.write_bytes("id;text\n1;fine é\n2;".encode("cp1252") + b"\xe9 " * 1500 + b"\n3;x;y\n" + b"4;fine\n" * 20)
    run = farm.producer("enqueue", path, "--wait", NIGHTSHIFT_MAX_RECORD_BYTES="1000")
    assert run.code == 0, run.err
    rejects = read(tmp_path / "large.scores.rejects.csv")
    assert [(each["record"], each["line"], each["code"]) for each in rejects] == [
        ("2", "3", "record_too_large"), ("3", "4", "too_many_fields"),
    ]  # fmt: skip
    assert rejects[0]["raw"].startswith("2;é é")
    job = next(line.split(":")[0] for line in run.out.splitlines() if ": complete" in line)
    run = farm.producer("retry", job)
    assert run.code == 0, run.err
    assert [row["id"] for row in read(tmp_path / "large.scores.csv")] == ["1", "2", *["4"] * 20]
    assert farm.producer("verify", tmp_path / "large.scores.csv").code == 0


def test_the_schedule_and_python_take_the_same(
    farm: Farm, tmp_path: Path, plain: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(tmp_path / "night.csv", "^")
    run = farm.producer("nightly", tmp_path / "night.csv", "--once", "--settle", 0, "--delimiter", "^")
    assert run.code == 0, run.err
    assert read(tmp_path / "night.scores.csv") == plain
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    monkeypatch.setenv("NIGHTSHIFT_SPOOL", str(farm.spool))
    with producer.enqueue(str(path), dialect={"delimiter": "^"}, again=True) as submission:
        submission.wait()
        assert submission.scores()["score"].tolist() == [np.float32(row["score"]) for row in plain]
    with pytest.raises(NightshiftError, match="delimiter"):
        producer.enqueue(str(path), dialect={"delimiter": 3})
