"""Fits a graph to a table: which columns feed which inputs, by the user's words or by the columns' names.

Whoever wants to know what feeds a graph asks here, so that `model inspect` and `producer enqueue` say the same.
"""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple

from graphs.errors import GraphError
from graphs.feeds import Constant, Feature, Feed
from graphs.hints import TEXT, hint, is_lone_text, takes_cells, word_to_set
from graphs.name_lists import listed
from graphs.values import is_value
from graphs.wanted_inputs import Parsed, Want
from graphs.words import Item, Words

NAME_SHOWN = 80  # characters of a column's name, in an error


class Fed(NamedTuple):
    """What is fed: by columns, and by constants."""

    feeds: tuple[Feed, ...]
    constants: tuple[Constant, ...]


class NoColumnError(GraphError):
    """A column is wanted that the table has not, or has twice. The text ends where the table's columns are told."""


def fit(wants: Sequence[Want], words: Words, columns: Sequence[str], id_column: str | None = None) -> Fed:
    """Feeds for all that must be fed. `columns` are the table's, in its order, which may have a name twice.

    Raises GraphError, in one line: an input that nothing feeds, a word for no input, a column that is not there, a
    number of columns that does not fit.
    """
    names = {want.name: want for want in wants}
    for name in (*words.feeds, *words.constants):
        if name not in names:
            raise GraphError(f"no input {name!r} that the outputs need; there are: {listed(names)}")
    feeds: list[Feed] = []
    constants: list[Constant] = []
    for want in wants:
        if want.name in words.constants:
            constants.append(_constant(want, words.constants[want.name]))
        elif want.name in words.feeds:
            feeds.append(_by_words(want, words.feeds[want.name], words, columns, id_column))
        else:
            found = _by_names(want, words, columns, lone=is_lone_text(want, wants, words))
            if found is not None:
                feeds.append(found)
    if not feeds:
        raise GraphError("no column feeds it: every record would have the same scores")
    sizes = {feed.shape[0] for feed in feeds if feed.shape and feed.shape[0] != -1}
    if len(sizes) > 1:
        raise GraphError(f"its inputs take different numbers of records a call: {', '.join(map(str, sorted(sizes)))}")
    return Fed(tuple(_as_read(feed, words) for feed in feeds), tuple(constants))


def _as_read(feed: Feed, words: Words) -> Feed:
    """The feed, with what the words say of every cell."""
    null = tuple(sorted({*words.null} - {""}))  # whose order says nothing; an empty cell is empty as it is
    return replace(feed, null=null, strict=bool(words.strict_encoding and feed.text_columns))


def _constant(want: Want, text: str) -> Constant:
    if want.kind != "dense" or want.shape not in ((), None):
        shape = "" if want.shape is None else f" of shape {list(want.shape)}"
        raise GraphError(f"--set {want.name}: it is no scalar but {want.kind}{shape}; --feed gives it a value a record")
    if want.dtype.startswith("type "):
        raise GraphError(f"--set {want.name}: no text says a value of its dtype ({want.dtype})")
    if not is_value(want.dtype, text):
        raise GraphError(f"--set {want.name}={text}: {text!r} is not {want.dtype}")
    return Constant(want.name, want.dtype, text)


def _by_words(want: Want, items: tuple[Item, ...], words: Words, columns: Sequence[str], id_column: str | None) -> Feed:
    _check_feedable(want)
    first = items[0]
    if len(items) == 1 and not first.is_pattern:
        _check_column(columns, first.name, want)
        if first.is_list:
            return _list(want, first.name, words)
        if want.kind != "dense":
            return _list(want, first.name, words)
        if first.is_base64 and want.dtype != "string":
            raise GraphError(f"--feed {want.name}: base64 is for strings, and it is {want.dtype}")
        return _cell(want, first.name, words, base64=first.is_base64)
    chosen: list[str] = []
    for item in items:
        if not item.is_pattern:
            _check_column(columns, item.name, want)
            chosen.append(item.name)
            continue
        matching = [name for name in columns if fnmatch.fnmatchcase(name, _only_stars(item.name)) and name != id_column]
        if not matching:
            raise NoColumnError(f"no column matches {item.name!r} to feed the graph's placeholder {want.name!r}")
        for name in matching:
            _check_column(columns, name, want)
        chosen += matching
    return _stack(want, chosen, words)


def _only_stars(pattern: str) -> str:
    return re.sub(r"[\[\]?]", lambda match: f"[{match[0]}]", pattern)


def _by_names(want: Want, words: Words, columns: Sequence[str], *, lone: bool) -> Feed | None:
    """What feeds an input of which nobody said anything; None if it keeps the value that it has."""
    if want.is_scalar:
        if want.is_optional:
            return None
        raise GraphError(
            f"the placeholder {want.name!r} has the shape [], one value for all records: {word_to_set(want)}"
        )
    if want.features and want.name not in columns:
        return _example(want, words, columns)
    if want.name in columns:
        _check_feedable(want)
        _check_column(columns, want.name, want)
        if want.kind != "dense" or not takes_cells(want):
            return replace(_list(want, want.name, words), exact=words.pad is None and not words.truncate)
        return _cell(want, want.name, words)
    numbered = _numbered(want, columns)
    if numbered:
        _check_feedable(want)
        return _stack(want, numbered, words)
    if want.is_optional:
        return None
    _check_feedable(want)
    if lone and TEXT in columns and takes_cells(want):
        _check_column(columns, TEXT, want)
        return _cell(want, TEXT, words)
    raise NoColumnError(f"no column {want.name!r} to feed the graph's placeholder {want.name!r}{hint(want)}")


def _numbered(want: Want, columns: Sequence[str]) -> list[str]:
    """The columns NAME_0 to NAME_<k-1>, or NAME[0] to NAME[<k-1>], if the table has all of them."""
    there = set(columns)
    shape = want.shape
    if want.kind != "dense" or (shape is not None and len(shape) < 2):
        return []
    count = None if shape is None or -1 in shape[1:] else prod(shape[1:])
    for form in ("{}_{}", "{}[{}]"):
        if form.format(want.name, 0) not in there:
            continue
        found: list[str] = []
        while (count is None or len(found) < count) and form.format(want.name, len(found)) in there:
            found.append(form.format(want.name, len(found)))
        if count is None or len(found) == count:
            return found
        raise GraphError(
            f"the placeholder {want.name!r} of shape {list(shape or ())} takes {count:,} numbers a record, and there "
            f"are the columns {found[0]!r} to {found[-1]!r}, {len(found):,}"
        )
    return []


def _check_feedable(want: Want) -> None:
    if want.dtype.startswith("type "):
        raise GraphError(f"no column can feed the placeholder {want.name!r} ({want.dtype})")
    if want.is_scalar:
        raise GraphError(
            f"the placeholder {want.name!r} has the shape [], one value for all records: {word_to_set(want)}"
        )


def _check_column(columns: Sequence[str], name: str, want: Want) -> None:
    count = columns.count(name)
    if count != 1:
        said = name if len(name) <= NAME_SHOWN else f"{name[:NAME_SHOWN]}…"  # it may be any file's
        problem = f"{'more than one' if count else 'no'} column {said!r}"
        raise NoColumnError(f"{problem} to feed the graph's placeholder {want.name!r}")


def _fill(want: Want, words: Words) -> str | None:
    return words.fill if words.fill is not None else want.default


def _tensors(want: Want) -> tuple[str, ...]:
    return () if want.tensors in ((), (want.name,)) else want.tensors


def _cell(want: Want, column: str, words: Words, *, base64: bool = False) -> Feed:
    if not takes_cells(want):
        raise GraphError(
            f"the placeholder {want.name!r} has the shape {list(want.shape or ())}; one column feeds [rows] or "
            f"[rows, 1]: --feed {want.name}=A,B,C, f* or {column}[]"
        )
    return Feed(want.name, (column,), want.dtype, want.shape, base64=base64, fill=_fill(want, words))


def _stack(want: Want, columns: Sequence[str], words: Words) -> Feed:
    shape = want.shape
    if want.kind != "dense":
        raise GraphError(f"the input {want.name!r} is {want.kind}: --feed {want.name}=COLUMN[]")
    if shape is not None:
        known = prod(size for size in shape[1:] if size != -1)
        free = sum(size == -1 for size in shape[1:])
        fits = len(columns) == known if not free else free == 1 and known and len(columns) % known == 0
        if len(shape) < 2 or not fits:
            wanted = (
                "one column" if len(shape) < 2 else f"{known:,} of them" if not free else f"a multiple of {known:,}"
            )
            raise GraphError(
                f"the placeholder {want.name!r} of shape {list(shape)} takes {wanted}, and {len(columns):,} columns "
                "are to feed it"
            )
    return Feed(want.name, tuple(columns), want.dtype, shape, "stack", fill=_fill(want, words))


def _list(want: Want, column: str, words: Words) -> Feed:
    if want.kind == "dense" and want.shape is not None and len(want.shape) < 2:
        raise GraphError(f"the placeholder {want.name!r} of shape {list(want.shape)} takes one value a record, no list")
    if want.kind == "dense" and -1 in (want.shape or ())[2:]:
        raise GraphError(
            f"the placeholder {want.name!r} has the shape {list(want.shape or ())}: a list's length may be free, and "
            "that of what is in it may not"
        )
    pad = ("" if want.dtype == "string" else "0") if words.pad is None else words.pad
    if not is_value(want.dtype, pad):
        raise GraphError(f"--pad {pad!r} is not {want.dtype}, as the placeholder {want.name!r} wants")
    form = want.kind if want.kind != "dense" else "list"
    return Feed(
        want.name, (column,), want.dtype, want.shape, form, _tensors(want), pad=pad, fill=words.fill,
        truncate=bool(words.truncate),
    )  # fmt: skip


def _example(want: Want, words: Words, columns: Sequence[str]) -> Feed:
    features = []
    missing: list[Parsed] = []
    for each in want.features:
        if each.name in columns:
            _check_column(columns, each.name, want)
            features.append(Feature(each.name, each.name, each.dtype, each.shape, each.required))
        elif each.required:
            missing.append(each)
    if missing or not features:
        names = [each.name for each in missing or want.features]
        raise NoColumnError(
            f"no column {listed(names)} for the tf.Example that the graph's placeholder {want.name!r} takes (a column "
            f"of serialised ones: --feed {want.name}=COLUMN)"
        )
    used = tuple(dict.fromkeys(each.column for each in features))
    return Feed(want.name, used, "string", want.shape, "example", fill=words.fill, features=tuple(features))
