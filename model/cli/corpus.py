"""`model corpus`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from formats.files import safe
from model.cli.console import PLACE, check_output, tell
from model.cli.tables import show
from model.errors import ModelError

if TYPE_CHECKING:
    from model.published.catalogue import Collection


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--output", metavar="PATH", type=PLACE, help="Where its messages go, replacing a file that is there.")
@click.option("--archive", metavar="ZIP", type=PLACE, help="The publisher's archive, fetched by other means.")
def corpus(name: str | None, output: Path | None, archive: Path | None) -> None:
    """Fetch a public collection of labelled messages, to train on or to measure with.

    Without NAME, say which there are. A collection comes from its publisher over HTTPS (through HTTPS_PROXY, if that
    is set), and is written only if its messages are those that were published, by their sha256. The file is CSV with
    the columns label and text, for model train and model evaluate, and for producer enqueue. If its name ends in
    .tsv, it has label<TAB>message lines.

    \b
    model corpus                                list the collections
    model corpus sms --output sms.csv
    model corpus youtube --output youtube.csv
    model train sms.csv youtube.csv --checkpoints checkpoints

    On a machine without internet, name the archive that was saved on another:

    \b
    model corpus youtube --archive youtube+spam+collection.zip \\
      --output youtube.csv

    Whoever publishes what was learnt from a collection names its authors, as its licence (CC BY 4.0) wants: the
    command says how.
    """
    from model import corpus as labelled
    from model.published import archives, catalogue

    if name is None:
        if output is not None or archive is not None:
            raise click.UsageError("NAME is missing: " + " or ".join(catalogue.COLLECTIONS))
        _list(list(catalogue.COLLECTIONS.values()))
        return
    if name not in catalogue.COLLECTIONS:
        raise click.UsageError(f"no collection is called {name!r}: " + " or ".join(catalogue.COLLECTIONS))
    collection = catalogue.COLLECTIONS[name]
    if output is None:
        raise click.UsageError(f"--output is missing, such as: model corpus {name} --output {name}.csv")
    check_output(output, archive)

    data = catalogue.messages(collection, _fetch(collection) if archive is None else archives.content(archive))
    lines = output.suffix == ".tsv"
    if lines and any(b"\n" in text or b"\r" in text for text in data.texts):
        raise ModelError(f"{output}: messages have line ends in them, which .tsv can't have; write a .csv")
    content = labelled.as_lines(data) if lines else labelled.as_csv(data)
    try:
        with safe.replacing(output) as file:
            file.write(content)
    except OSError as error:
        raise ModelError(f"cannot write {output}: {error.strerror}") from None
    spam = int(data.labels.sum())
    tell(f"{collection.title}: {len(data.labels):,} messages, {spam:,} of them spam; {collection.licence}", err=True)
    tell(f"cite: {collection.citation}", err=True)
    tell(f"{_sha256(content)}  {output}")


def _list(collections: "list[Collection]") -> None:
    show(
        ("name", "messages", "spam", "licence", "what"),
        [(each.name, f"{each.messages:,}", f"{each.spam:,}", each.licence, each.about) for each in collections],
        numbers=(1, 2),
    )
    for each in collections:
        tell(f"\n{each.name}: {each.citation}\n{each.url}")


def _fetch(collection: "Collection") -> bytes:
    from model.published import download

    tell(f"fetching the {collection.title} from {collection.url}", err=True)
    with _bar(collection.archive) as on_bytes:
        try:
            return download.download(collection.url, on_bytes)
        except ModelError as error:
            raise ModelError(
                f"{error} (an archive saved elsewhere is read with --archive {collection.archive})"
            ) from None


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """On a terminal, a bar of bytes; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
