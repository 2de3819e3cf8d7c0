"""`model corpus`, from a publisher's server to a file that the other commands read."""

import hashlib
import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from model import corpus
from model.published import archives, catalogue
from model.published.catalogue import SMS, Collection
from tests.model.published.conftest import Publisher, holding, zipped
from tests.support.model_room import complaint, model, succeed

LABELS, TEXTS = [False, True], [b"see you, then", b'WIN "cash"\xff']
ARCHIVE = zipped({"SMSSpamCollection": b'ham\tsee you, then\nspam\tWIN "cash"\xff\n', "readme": b"about"})


@pytest.fixture
def sms(publisher: Publisher, published: Callable[[Collection], None]) -> Publisher:
    """The collection sms has two messages, and is at the publisher's."""
    publisher.files["/228/sms.zip"] = ARCHIVE
    published(holding(SMS, LABELS, TEXTS, f"{publisher.url}/228/sms.zip"))
    return publisher


def test_a_fetched_collection_is_what_train_and_evaluate_read(sms: Publisher, tmp_path: Path) -> None:
    output = tmp_path / "sms.csv"
    for _ in range(2):  # the second time it replaces the first
        result = model("corpus", "sms", "--output", output)
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{hashlib.sha256(output.read_bytes()).hexdigest()}  {output}\n"
    assert output.read_bytes() == b'label,text\nham,"see you, then"\nspam,"WIN ""cash""\xff"\n'
    data = corpus.read([output])
    assert (data.labels.tolist(), data.texts.tolist()) == (LABELS, TEXTS)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["publisher", "sms.csv"]
    assert result.stderr.splitlines() == [
        f"fetching the SMS Spam Collection from {sms.url}/228/sms.zip",
        "SMS Spam Collection: 2 messages, 1 of them spam; CC BY 4.0",
        "cite: T. A. Almeida and J. M. Gómez Hidalgo (2011). SMS Spam Collection. UCI Machine Learning Repository. "
        "https://doi.org/10.24432/C5CC84",
    ]


def test_a_name_that_ends_in_tsv_gets_the_lines_that_were_published(sms: Publisher, tmp_path: Path) -> None:
    output = tmp_path / "sms.tsv"
    shown = succeed("corpus", "sms", "--output", output)
    assert output.read_bytes() == b'ham\tsee you, then\nspam\tWIN "cash"\xff\n'
    assert shown.split()[0] == catalogue.COLLECTIONS["sms"].sha256


def test_messages_with_line_ends_are_not_written_as_lines(
    published: Callable[[Collection], None], tmp_path: Path
) -> None:
    from tests.model.published import test_catalogue as comments

    published(holding(catalogue.YOUTUBE, comments.LABELS, comments.TEXTS))
    (tmp_path / "youtube.zip").write_bytes(zipped(comments.youtube()))
    words = ("corpus", "youtube", "--archive", tmp_path / "youtube.zip", "--output")
    line = complaint(*words, tmp_path / "youtube.tsv")
    assert line.endswith("youtube.tsv: messages have line ends in them, which .tsv can't have; write a .csv")
    assert not (tmp_path / "youtube.tsv").exists()
    succeed(*words, tmp_path / "youtube.csv")
    assert corpus.read([tmp_path / "youtube.csv"]).texts.tolist() == comments.TEXTS


def test_without_a_network_an_archive_saved_elsewhere_does(sms: Publisher, tmp_path: Path) -> None:
    sms.files.clear()
    (tmp_path / "saved.zip").write_bytes(ARCHIVE)
    succeed("corpus", "sms", "--archive", tmp_path / "saved.zip", "--output", tmp_path / "sms.csv")
    assert corpus.read([tmp_path / "sms.csv"]).texts.tolist() == TEXTS
    assert sms.asked == []
    for name, reason in (("missing.zip", "No such file or directory"), ("", "Is a directory")):
        line = complaint("corpus", "sms", "--archive", tmp_path / name, "--output", tmp_path / "sms.csv")
        assert line == f"model: cannot read {tmp_path / name}: {reason}"


def test_what_cannot_be_fetched_is_said_in_a_line_and_leaves_the_output_as_it_was(
    sms: Publisher, published: Callable[[Collection], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 100_000)
    output = tmp_path / "sms.csv"
    output.write_text("mine")
    sms.files["/large"] = bytes(archives.MAX_BYTES + 1)
    sms.files["/changed"] = zipped({"SMSSpamCollection": b"ham\tother\n"})
    sms.files["/torn"], sms.torn = ARCHIVE, {"/torn"}
    sms.moved["/plain"] = sms.url.replace("https", "http") + "/228/sms.zip"
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = f"https://127.0.0.1:{unused.getsockname()[1]}"
    cases = {
        f"{sms.url}/gone": "the server answered 404 Not Found",
        f"{sms.url}/large": "has more than 100,000 bytes",
        f"{sms.url}/torn": "it broke off after",
        f"{sms.url}/changed": "not the SMS Spam Collection that was published: messages 1, spam 0, sha256 ",
        f"{sms.url}/plain": "/228/sms.zip is not https",
        f"{nobody}/sms.zip": "Connection refused",
        "https://nobody.invalid/sms.zip": "the name of its host is not known here",
        "http://127.0.0.1/sms.zip": "is not https",
    }
    for url, reason in cases.items():
        published(holding(SMS, LABELS, TEXTS, url))
        line = complaint_after_fetching("sms", output)
        assert reason in line, line
        assert output.read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["publisher", "sms.csv"]


def complaint_after_fetching(name: str, output: Path) -> str:
    result = model("corpus", name, "--output", output)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    fetching, line = result.stderr.splitlines()
    assert fetching.startswith("fetching the ")
    assert line.startswith("model: ")
    return line


def test_a_publisher_whom_nobody_vouches_for_is_not_believed(
    sms: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    line = complaint_after_fetching("sms", tmp_path / "sms.csv")
    assert "the server's certificate is not valid" in line
    assert "is read with --archive sms.zip" in line


def test_an_archive_that_moved_is_followed(sms: Publisher, tmp_path: Path) -> None:
    sms.files["/new"] = sms.files.pop("/228/sms.zip")
    sms.moved["/228/sms.zip"] = "/new"
    succeed("corpus", "sms", "--output", tmp_path / "sms.csv")
    assert sms.asked == ["/228/sms.zip", "/new"]


def test_where_nothing_can_be_written_nothing_is_fetched(sms: Publisher, tmp_path: Path) -> None:
    saved = tmp_path / "sms.zip"
    saved.write_bytes(ARCHIVE)
    for output, words, reason in (
        (tmp_path / "none" / "sms.csv", (), f"there is no folder {tmp_path / 'none'}"),
        (tmp_path, (), "it is no regular file, and is left alone"),
        (saved, ("--archive", saved), f"{saved} is what it would be made of; write to another file"),
    ):
        assert reason in complaint("corpus", "sms", "--output", output, *words)
    assert sms.asked == []
    assert saved.read_bytes() == ARCHIVE


def test_a_full_disk_is_said_in_a_line(sms: Publisher, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        line = complaint_after_fetching("sms", tmp_path / "sms.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert line == f"model: cannot write {tmp_path / 'sms.csv'}: File too large"
    assert not (tmp_path / "sms.csv").exists()


def test_the_command_says_which_collections_there_are_and_what_is_missing() -> None:
    shown = succeed("corpus")
    assert [line.split()[:6] for line in shown.splitlines()[1:3]] == [
        ["sms", "5,574", "747", "CC", "BY", "4.0"], ["youtube", "1,956", "1,005", "CC", "BY", "4.0"]
    ]  # fmt: skip
    assert shown.count("https://doi.org/10.24432/") == 2
    for words, reason in (
        (("--output", "x.csv"), "NAME is missing: sms or youtube"),
        (("enron", "--output", "x.csv"), "no collection is called 'enron': sms or youtube"),
        (("sms",), "--output is missing, such as: model corpus sms --output sms.csv"),
    ):
        result = model("corpus", *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert reason in result.stderr
