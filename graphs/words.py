"""The words for feeding and fetching, as people type them and as they are written back: --feed, --set and --fetch.

    PLACEHOLDER=COLUMN       one column                PLACEHOLDER=COLUMN[]       a list in each cell
    PLACEHOLDER=A,B,f*       several, stacked          PLACEHOLDER=COLUMN:base64  bytes that a CSV can't hold

A column whose name has `,`, `*`, `[`, `:` or `"` is quoted, as a CSV file quotes it: `x="a,b",c`.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from graphs.errors import GraphError
from graphs.feeds import Constant, Feed, Fetch
from graphs.name_lists import listed
from graphs.names import short, tensor_of

_ITEM = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^,"]*?))(?P<end>\[\]|:base64)?\s*(?:,|$)', re.DOTALL)
_FETCH = re.compile(r"(?:(?P<name>[^=]+)=)?(?P<tensor>[^=\[\]]+)(?:\[(?P<index>\d+)\])?")
_TABLES = ("feed", "set", "fetch")  # of the file beside a model
_SINGLE = ("pad", "fill", "truncate", "null", "strict_encoding")
_PLAIN = re.compile(r'[^,*\[\]:"\s](?:[^,*\[\]:"]*[^,*\[\]:"\s])?')


class Item(NamedTuple):
    """One column, or a pattern of columns, in a `--feed`."""

    name: str
    is_pattern: bool = False
    is_list: bool = False
    is_base64: bool = False


class Output(NamedTuple):
    """One `--fetch`: a node or tensor, the `column` of it if not all, and what it is called in the scores file."""

    name: str
    tensor: str
    column: int | None = None


@dataclass(frozen=True)
class Words:
    """What a user said about feeding and fetching. `feeds` and `constants` are by placeholder; `fill` is for empty
    cells, `pad` for lists that are shorter than others, `truncate` cuts longer ones. `null` are texts that stand for an
    empty cell; `strict_encoding` rejects texts that are not UTF-8."""

    feeds: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    pad: str | None = None
    fill: str | None = None
    truncate: bool | None = None
    null: tuple[str, ...] = ()
    strict_encoding: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what nobody said."""
        content = {
            "feed": [feed_word(name, items) for name, items in self.feeds.items()],
            "set": [f"{name}={value}" for name, value in self.constants.items()],
            "fetch": [output_word(output) for output in self.outputs],
            "pad": self.pad,
            "fill": self.fill,
            "truncate": self.truncate,
            "null": list(self.null),
            "strict_encoding": self.strict_encoding,
        }
        return {name: value for name, value in content.items() if value not in (None, [])}

    def about(self, inputs: Collection[str]) -> "Words":
        """Those about inputs of these names: another model may have other ones."""
        feeds = {name: items for name, items in self.feeds.items() if name in inputs}
        return replace(self, feeds=feeds, constants={k: v for k, v in self.constants.items() if k in inputs})

    def over(self, other: "Words") -> "Words":
        """These words, and of the `other` ones, which are weaker, what these don't say."""
        feeds = {name: items for name, items in other.feeds.items() if name not in self.constants}
        constants = {name: value for name, value in other.constants.items() if name not in self.feeds}
        return replace(
            self,
            feeds={**feeds, **self.feeds},
            constants={**constants, **self.constants},
            outputs=self.outputs or other.outputs,
            pad=other.pad if self.pad is None else self.pad,
            fill=other.fill if self.fill is None else self.fill,
            truncate=other.truncate if self.truncate is None else self.truncate,
            null=self.null or other.null,
            strict_encoding=other.strict_encoding if self.strict_encoding is None else self.strict_encoding,
        )


NOTHING = Words()


def read(
    feeds: Iterable[str] = (),
    constants: Iterable[str] = (),
    outputs: Iterable[str] = (),
    *,
    pad: str | None = None,
    fill: str | None = None,
    truncate: bool | None = None,
    null: Iterable[str] = (),
    strict_encoding: bool | None = None,
) -> Words:
    """The words as typed. Raises GraphError, in one line, for one that is none or a placeholder that is fed twice."""
    found: dict[str, tuple[Item, ...]] = {}
    values: dict[str, str] = {}
    for word in feeds:
        placeholder, text = _pair(word, "--feed", "PLACEHOLDER=COLUMN")
        if placeholder in found:
            raise GraphError(f"the placeholder {placeholder!r} has two --feed")
        found[placeholder] = _items(text, word)
    for word in constants:
        placeholder, text = _pair(word, "--set", "PLACEHOLDER=VALUE")
        if placeholder in values:
            raise GraphError(f"the placeholder {placeholder!r} has two --set")
        if placeholder in found:
            raise GraphError(f"the placeholder {placeholder!r} has both --feed and --set")
        values[placeholder] = text
    fetched = tuple(dict.fromkeys(_output(part) for word in outputs for part in word.split(",") if part))
    nulls = tuple(null)
    for text in nulls:
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise GraphError(f"--null {text!r}: it is no text that a file may have") from None
    return Words(found, values, fetched, pad, fill, truncate, nulls, strict_encoding)


def read_file(path: Path) -> Words:
    """The words beside a model: a TOML file with the tables `feed`, `set` and `fetch`, and the values of `_SINGLE`. A
    table `dialect` is about an input of the same name.

    Raises GraphError for a file that is something else.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GraphError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise GraphError(f"{path} is no TOML file: {' '.join(str(error).split())}") from None
    unknown = content.keys() - {*_TABLES, *_SINGLE, "dialect"}
    if unknown:
        known = ", ".join((*_TABLES, *_SINGLE))
        raise GraphError(f"{path} says {listed(sorted(unknown))}; what is known: {known}")
    null, strict_encoding = content.get("null", []), content.get("strict_encoding")
    if any(isinstance(each, dict | list) for each in (null if isinstance(null, list) else [null])):
        raise GraphError(f"{path}: null is a text, or a list of texts")
    if not isinstance(strict_encoding, bool | None):
        raise GraphError(f"{path}: strict_encoding is true or false")
    tables = {name: content.get(name, {}) for name in ("feed", "set")}
    fetch = content.get("fetch", {})
    if not all(isinstance(each, dict) for each in tables.values()) or not isinstance(fetch, dict | list):
        raise GraphError(f"{path}: feed and set are tables, fetch is a table or a list")
    fetched = [f"{name}={node}" for name, node in fetch.items()] if isinstance(fetch, dict) else map(cell, fetch)
    try:
        return read(
            [
                f"{name}={value if isinstance(value, str) else ','.join(value)}"
                for name, value in tables["feed"].items()
            ],
            [f"{name}={cell(value)}" for name, value in tables["set"].items()],
            fetched,
            pad=cell(content["pad"]) if "pad" in content else None,
            fill=cell(content["fill"]) if "fill" in content else None,
            truncate=bool(content["truncate"]) if "truncate" in content else None,
            null=cells(null),
            strict_encoding=strict_encoding,
        )
    except TypeError:
        raise GraphError(f"{path}: what feeds a placeholder is a text, or a list of texts") from None
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from None


def of_job(feeds: Iterable[Feed], constants: Iterable[Constant], fetches: Iterable[Fetch]) -> Words:
    """The words that make the same job of another table with these columns."""
    feeds = tuple(feeds)
    items = {
        feed.placeholder: tuple(
            Item(name, is_list=feed.form in ("list", "sparse", "ragged"), is_base64=feed.base64)
            for name in feed.columns
        )
        for feed in feeds
        if feed.form != "example" and not feed.exact  # these are found by their names again
    }
    pads = [feed.pad for feed in feeds if feed.form == "list" and feed.pad not in ("", "0")]
    fills = [feed.fill for feed in feeds if feed.fill is not None]
    return Words(
        items,
        {each.placeholder: each.value for each in constants},
        tuple(Output(each.name, each.tensor, each.index) for each in fetches if each.asked),
        pad=pads[0] if pads else None,
        fill=fills[0] if fills else None,
        truncate=any(feed.truncate for feed in feeds) or None,
        null=tuple(dict.fromkeys(text for feed in feeds for text in feed.null)),
        strict_encoding=any(feed.strict for feed in feeds) or None,
    )


def feed_word(placeholder: str, items: Iterable[Item]) -> str:
    """The value of a `--feed`, as `read` reads it."""
    return f"{placeholder}={','.join(map(_item_word, items))}"


def output_word(output: Output) -> str:
    """The value of a `--fetch`, as `read` reads it."""
    index = "" if output.column is None else f"[{output.column}]"
    word = f"{output.tensor}{index}"
    return word if output.name == short(word) else f"{output.name}={word}"


def _item_word(item: Item) -> str:
    is_plain = _PLAIN.fullmatch(item.name) is not None
    name = item.name if item.is_pattern or is_plain else '"' + item.name.replace('"', '""') + '"'
    return name + ("[]" if item.is_list else "") + (":base64" if item.is_base64 else "")


def _pair(word: str, option: str, form: str) -> tuple[str, str]:
    placeholder, equals, text = word.partition("=")
    if not equals or not placeholder:
        raise GraphError(f"{option} {word!r}: {form} is wanted")
    return short(placeholder), text


def _items(text: str, word: str) -> tuple[Item, ...]:
    found: list[Item] = []
    at = 0
    while at < len(text) or not found or text[at - 1] == ",":
        match = _ITEM.match(text, at)
        quoted = match["quoted"] if match else None
        name = quoted.replace('""', '"') if quoted is not None else (match["plain"] if match else "")
        if match is None or not name:
            raise GraphError(f"--feed {word!r}: COLUMN, A,B,C, f*, COLUMN[] or COLUMN:base64 is wanted after the =")
        found.append(Item(name, quoted is None and "*" in name, match["end"] == "[]", match["end"] == ":base64"))
        at = match.end()
    if len(found) > 1 and any(item.is_list or item.is_base64 for item in found):
        raise GraphError(f"--feed {word!r}: of several columns none has a list or base64 in its cells")
    return tuple(found)


def _output(word: str) -> Output:
    match = _FETCH.fullmatch(word)
    if match is None or tensor_of(match["tensor"]) is None:
        raise GraphError(f"--fetch {word!r}: NODE, NAME=NODE or NODE[i] is wanted")
    index = None if match["index"] is None else int(match["index"])
    tensor = short(match["tensor"])
    return Output(match["name"] or (tensor if index is None else f"{tensor}[{index}]"), tensor, index)


def cell(value: object) -> str:
    """A value as a cell has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def cells(values: object) -> tuple[str, ...]:
    """One value, or a list of several, as cells have them."""
    return tuple(map(cell, values)) if isinstance(values, list | tuple) else (cell(values),)
