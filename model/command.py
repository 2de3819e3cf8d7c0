"""The `producer enqueue` command that scores a table with a frozen graph, found without TensorFlow."""

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from formats.columns import id_column_of
from formats.reading import read_input
from formats.shown import shown
from graphs import kinds, messages
from graphs.errors import GraphError
from graphs.signature import Signature
from graphs.suggest import suggest
from graphs.words import NOTHING, feed_word, read_file
from model.errors import ModelError

SAMPLE = 50  # records whose cells are looked at
MAX_RECORD_BYTES = 16 << 20


class Command(NamedTuple):
    """`told`: what is a guess, and what is missing. It is whole if `producer enqueue` will take it."""

    words: list[str]
    told: list[str]
    is_whole: bool


def command_for(model: Path, table: Path) -> Command:
    """Raises ModelError if the model is no frozen graph, InputError if the table can't be read."""
    kind = kinds.of(model)
    if kind is not None:
        raise ModelError(kind.said_of(model))
    try:
        signature = Signature.of(messages.parse(model.read_bytes()))
        beside = model.with_suffix(".toml")
        known = read_file(beside) if beside.is_file() else NOTHING
        fetches = signature.fetches(known)
        needed = signature.needed_by(fetches)
    except OSError as error:
        raise ModelError(f"cannot read {model}: {error.strerror}") from None
    except GraphError as error:
        raise ModelError(f"{model}: {error}") from None
    with (
        tempfile.TemporaryDirectory() as folder,
        read_input(table, MAX_RECORD_BYTES, {}, Path(folder)).source as source,
    ):
        columns = [name for name in source.columns if source.columns.count(name) == 1]
        block = next(iter(source.blocks(columns)), None)
        records = block.records.slice(0, SAMPLE) if block else None
        cells = {name: _texts(records.column(name).to_pylist(), known.null) if records else [] for name in columns}
        words, told = suggest(needed, known, cells, id_column_of(columns))
        try:
            signature.fit(fetches, words, columns, id_column_of(columns))
        except GraphError as error:
            is_whole = False
            told = [*told, f"it is not whole: {error}; the columns are {shown(columns)}"]
        else:
            is_whole = not any(value == "VALUE" for value in words.constants.values())
    feeds = [("--feed", feed_word(name, items)) for name, items in words.feeds.items() if name not in known.feeds]
    sets = [("--set", f"{name}={value}") for name, value in words.constants.items() if name not in known.constants]
    command = ["producer", "enqueue", str(table), "--model", str(model), *itertools.chain(*feeds, *sets)]
    return Command(command, told, is_whole)


def _texts(cells: Sequence[bytes], null: Sequence[str]) -> list[str]:
    """The cells as they are to be looked at; those that count as empty are."""
    texts = [cell.decode(errors="replace") for cell in cells]
    return ["" if text in null else text for text in texts]
