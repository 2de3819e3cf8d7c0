"""Which words would feed a graph from a table, guessed from its columns' names and its first cells."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import prod

from graphs.errors import GraphError
from graphs.feeding import fit
from graphs.hints import looks_like_a_switch, word_to_set
from graphs.numbers import number_of
from graphs.wanted_inputs import Want
from graphs.words import Item, Words

_TEXTS = ("text", "message", "body", "content", "comment", "review", "sms", "source", "sentence", "description")
Cells = Mapping[str, Sequence[str]]  # the first ones of each column


def suggest(wants: Sequence[Want], words: Words, cells: Cells, id_column: str | None) -> tuple[Words, list[str]]:
    """The words, and more of them as far as something is found; and what the guesses are, or what is not known.

    The columns of `cells` are the table's, in its order.
    """
    columns = list(cells)
    told = []
    for want in wants:
        if want.name in words.feeds or want.name in words.constants or _fits(wants, want, words, columns, id_column):
            continue
        if want.is_scalar or looks_like_a_switch(want):
            word = word_to_set(want).removeprefix("--set ")
            words = replace(words, constants={**words.constants, want.name: word.partition("=")[2]})
            told.append(f"{want.name} is one value for all records: {word} is a guess from its name")
            continue
        rest = {name: texts for name, texts in cells.items() if name != id_column}
        for items in _candidates(want, rest):
            more = replace(words, feeds={**words.feeds, want.name: items})
            if _fits(wants, want, more, columns, id_column):
                words = more
                told.append(f"{want.name} from {', '.join(item.name for item in items)[:60]} is a guess")
                break
        else:
            told.append(f"no column was found for {want.name}")
    return words, told


def _fits(wants: Sequence[Want], want: Want, words: Words, columns: Sequence[str], id_column: str | None) -> bool:
    """Whether one input is fed, whatever the others are."""
    alone = [want] if want.dtype != "string" else [each for each in wants if each.dtype == "string"]
    with suppress(GraphError):
        fit(alone, words.about([each.name for each in alone]), columns, id_column)
        return True
    return want.is_optional and want.name not in columns


def _candidates(want: Want, cells: Cells) -> Iterator[tuple[Item, ...]]:
    """Items that may feed it, the likeliest first."""
    name = _plain(want.name.rpartition("/")[2])
    same = [column for column in cells if _plain(column) == name]
    if want.dtype == "string":
        named = [column for wish in _TEXTS for column in cells if _plain(column) == wish]
        words = [column for column, texts in cells.items() if texts and not all(map(_is_number, texts))]
        longest = sorted(words, key=lambda column: -sum(map(len, cells[column])))
        yield from ((Item(column),) for column in dict.fromkeys([*same, *named, *longest]))
        return
    numbers = [column for column, texts in cells.items() if texts and all(map(_is_number, texts))]
    lists = [column for column, texts in cells.items() if texts and all(map(_is_list, texts))]
    if want.kind != "dense":
        yield from ((Item(column, is_list=True),) for column in lists)
        return
    shape = want.shape
    if shape is None or len(shape) < 2 or shape[1:] == (1,):
        yield from ((Item(column),) for column in dict.fromkeys([*same, *(numbers if len(numbers) == 1 else [])]))
        if shape is not None:
            return
    count = None if shape is None or -1 in shape[1:] else prod(shape[1:])
    prefixes = Counter(re.sub(r"\d+$", "", column) for column in cells if column[-1:].isdigit())
    for prefix, number in prefixes.most_common():
        if prefix and number == sum(column.startswith(prefix) for column in cells) and count in (number, None):
            yield (Item(f"{prefix}*", is_pattern=True),)
    yield from ((Item(column, is_list=True),) for column in lists)
    if count == len(numbers) or (shape is None and len(numbers) > 1):
        yield tuple(Item(column) for column in numbers)


def _plain(name: str) -> str:
    return re.sub(r"\W+|_", "", name.lower())


def _is_number(text: str) -> bool:
    return not text.strip() or number_of(text.strip()) is not None


def _is_list(text: str) -> bool:
    if text.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            return isinstance(json.loads(text), list)
        return False
    parts = text.split()
    return len(parts) != 1 and all(map(_is_number, parts))
