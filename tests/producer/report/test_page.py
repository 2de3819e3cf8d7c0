"""The page: well-formed, self-contained, without a script, and with every message quoted."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.ledger import Ledger
from jobs.settings import Settings
from producer.cli.report import report
from producer.report.gathering import gather
from producer.report.page import render
from tests.producer.report.conftest import Night
from tests.support import Server
from tests.support.checkout import PRODUCER
from tests.support.playing import scored_by_text
from tests.support.tables import csv_bytes

VOID = {"meta", "br"}
HOSTILE = [
    b"0.51 <script>document.title='gotcha'</script>",
    b"0.52 </bdi></li></ol><h1 onclick=alert(1)>gotcha</h1><img src=http://evil.example/x.png onerror=alert(1)>",
    b"0.53 \"' onmouseover='alert(1)",
    "0.54 \u202egnp.exe\u2066 \u200b".encode(),
    b"0.55 nul \x00 esc \x1b and \xff\xfe",
    "0.56 نص عربي ثم english".encode(),
    b"0.57 " + b"long " * 4000,
    b"0.58 Z" + "\u0351\u0352".encode() * 200,
]


class Page(HTMLParser):
    """Checks the nesting, and gathers what there is."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data


@pytest.fixture
def page(night: Night, ledger: Ledger) -> str:
    """A report on hostile messages, of hostile channels with hostile ids, each of them twice."""
    rows = [[b"id" + text[:9], text[5:40], text] for text in HOSTILE] * 2
    data = csv_bytes([["message_id", "</title><b>", "text"], *rows, ["broken"]])
    submission = night(data, scored_by_text)
    return render(gather(ledger, submission.job, Settings(), by="</title><b>"), 1_795_440_000)


def test_it_is_well_formed_and_needs_nothing_from_elsewhere(page: str) -> None:
    found = Page(page)
    assert not {"script", "img", "iframe", "object", "embed", "form", "base", "link", "foreignobject"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name in ("src", "href", "action", "xlink:href")]
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_messages_are_shown_as_text(page: str) -> None:
    text = Page(page).text
    assert "<script>document.title='gotcha'</script>" in text
    assert "</bdi></li></ol><h1 onclick=alert(1)>gotcha</h1>" in text
    assert "U+202Egnp.exe" in text
    assert r"\xff\xfe" in text
    assert "20,005 bytes" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200b]", page)


def test_plots_say_what_they_show_and_have_a_table_beside_them(page: str) -> None:
    found = Page(page)
    drawn = found.tags.count("svg") - page.count('aria-hidden="true"')
    assert drawn == found.tags.count("desc") == 2 * 6  # wide and narrow
    names = [value for name, value in found.attributes if name == "id"]
    assert len(names) == len(set(names))
    labels = [value for name, value in found.attributes if name == "aria-labelledby"]
    assert {name for label in labels for name in (label or "").split()} == set(names)
    assert found.tags.count("table") >= 6


def test_the_command_writes_the_page_beside_the_scores_or_prints_json(
    night: Night, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = csv_bytes([["id", "channel", "text"], ["1", "sms", "0.4 a"], ["2", "sms", "0.9 b"]])
    collected, waiting = night(data, scored_by_text), night(data, scored_by_text, collect=False)
    run = subprocess.run(
        [PRODUCER, "report", collected.id, "--by", "channel"],
        env={"REDIS_URL": server.url}, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, f"{tmp_path / 'night0.scores.report.html'}\n"), run.stderr
    assert "Spam by channel" in Page((tmp_path / "night0.scores.report.html").read_text()).text
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.chdir(tmp_path)
    here = CliRunner()
    assert here.invoke(report, [waiting.id]).output == f"{waiting.id}.report.html\n"
    printed = here.invoke(report, [waiting.id, "--json", "--threshold", "0.3"])
    assert json.loads(printed.output)["scores"]["blocked"] == 2
    assert sorted(path.name for path in tmp_path.glob("*.html")) == [
        "night0.scores.report.html", f"{waiting.id}.report.html",
    ]  # fmt: skip
    nowhere = here.invoke(report, [waiting.id, "--output", "nowhere/r.html"])
    assert str(nowhere.exception) == "nowhere/r.html: No such file or directory"


WIDTHS = (360, 800, 1200)
# Opens the page in frames of several widths and writes down how wide its content is in each.
PROBE = """<!doctype html><meta charset="utf-8"><body><pre id="found"></pre><script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument;
    const shown = [...page.querySelectorAll("svg[role=img]")].filter((svg) => svg.getBoundingClientRect().width > 0);
    const texts = shown.flatMap((svg) => [...svg.querySelectorAll("text")]);
    return { width: frame.clientWidth, content: page.documentElement.scrollWidth, title: page.title,
      plots: shown.length,
      smallest: Math.min(...texts.map((text) => text.getBoundingClientRect().height)) };
  });
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>%s</body>"""


def test_a_browser_shows_it_without_complaint_and_without_scrolling_sideways(page: str, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    (tmp_path / "page.html").write_text(page)
    frames = "".join(f'<iframe src="page.html" width="{width}" height="900"></iframe>' for width in WIDTHS)
    (tmp_path / "probe.html").write_text(PROBE % frames)
    run = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--allow-file-access-from-files", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom", f"file://{tmp_path / 'probe.html'}",
        ],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert "CONSOLE" not in run.stderr, run.stderr
    match = re.search(r'<pre id="found">(.*?)</pre>', run.stdout)
    assert match, run.stderr
    for frame in json.loads(match[1]):
        assert frame["content"] <= frame["width"], frame
        assert frame["title"] == "night0.csv: 16 scored"
        assert frame["plots"] == 6  # wide or narrow, not both
        assert frame["smallest"] >= 10, frame  # CSS pixels, line height of the smallest text in a plot
