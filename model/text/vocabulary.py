"""Vocabularies: which word has which id, from the files that people have."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from model.errors import ModelError

UNKNOWN = ("<UNK>", "[UNK]", "<unk>", "<OOV>", "[OOV]", "<oov>")  # not a bare UNK: it may be a word
PADDING = ("<PAD>", "[PAD]", "<pad>")
KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_LARGEST = 1 << 28  # bytes
_PICKLE = re.compile(rb"\x80[\x02-\x05]|c[\w.]+\n\w+\n|\(([dl]p\d+|i[\w.]+)\n")  # of protocol 2 and later, or 0
_MOST = 2**63 - 1  # the largest id
_WITH_ID = re.compile(r"(.*?)[\t ](\d+)", re.DOTALL)


class Vocabulary(NamedTuple):
    """`ids` by word. A word that is not there has the id `unknown`; None: it is left out. `lower`, `filters` and
    `split` are those of a Keras tokenizer."""

    ids: dict[str, int]
    unknown: int | None
    padding: int = 0
    lower: bool = False
    filters: str = ""
    split: str = " "


def read(path: Path, preset: str) -> Vocabulary:
    """Read a vocabulary for a preset: of a Keras tokenizer its `word_index` as JSON, or what its `to_json` gives; else
    a word a line, whose number (from 0; from 1 for keras-tokenizer) is its id, or `word<TAB>id` in every line.

    Raises ModelError if it is empty, has a word twice, or is no such file. Nothing is ever unpickled.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError(f"{path} is too large for a vocabulary: {path.stat().st_size:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    if _PICKLE.match(data):
        raise ModelError(
            f"{path} is a pickle, and reading one can run anything: in Python, write its words in the order of their "
            "ids, one a line"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelError(f"{path} is not UTF-8") from None
    is_keras = preset == "keras-tokenizer"
    found = _of_json(path, text) if is_keras and text.lstrip().startswith(("{", '"')) else None
    if found is None:
        ids = _of_lines(path, text, first=1 if is_keras else 0)
        padding = next((ids[word] for word in PADDING if word in ids), 0)
        unknown = next((ids[word] for word in UNKNOWN if word in ids), None if is_keras else 0)
        if preset == "vocabulary-processor":  # whatever its words are called
            unknown = padding = 0
        found = Vocabulary(ids, unknown, 0 if is_keras else padding)
        found = found._replace(lower=True, filters=KERAS_FILTERS) if is_keras else found
    if not found.ids:
        raise ModelError(f"{path} has no word in it")
    wrong = next((word for word, number in found.ids.items() if number > _MOST or not _is_text(word)), None)
    if wrong is not None:
        raise ModelError(f"{path}: the word {wrong!r} is no text, or its id {found.ids[wrong]} is none")
    return found


def _is_text(word: str) -> bool:
    return not any(0xD800 <= ord(character) < 0xE000 for character in word)


def _of_lines(path: Path, text: str, first: int) -> dict[str, int]:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    pairs = [_WITH_ID.fullmatch(line) for line in lines]
    ids: dict[str, int] = {}
    for number, (line, pair) in enumerate(zip(lines, pairs, strict=True), first):
        word, given = (pair[1], int(pair[2])) if pair and all(pairs) else (line, number)
        if word in ids:
            raise ModelError(f"{path} has the word {word!r} twice, in line {number - first + 1} again")
        ids[word] = given
    return ids


def _of_json(path: Path, text: str) -> Vocabulary:
    try:
        content = json.loads(text)
        content = json.loads(content) if isinstance(content, str) else content
        config: dict[str, Any] = content["config"] if isinstance(content.get("config"), dict) else {}
        words = config.get("word_index", content)
        words = json.loads(words) if isinstance(words, str) else words
        ids = {str(word): int(number) for word, number in words.items()}
    except (ValueError, TypeError, AttributeError):
        raise ModelError(f"{path} is no word_index, and not what a Keras tokenizer's to_json gives") from None
    if config.get("char_level"):
        raise ModelError(f"{path}: its tokenizer is of characters: write them one a line, for --as characters")
    token, most = config.get("oov_token"), config.get("num_words")
    token = token if config else next((each for each in UNKNOWN if each in ids), None)
    unknown = ids.get(token) if token is not None else None
    if most:
        ids = {word: number for word, number in ids.items() if number < int(most)}
    filters, split = config.get("filters", KERAS_FILTERS), config.get("split", " ")
    return Vocabulary(ids, unknown, 0, bool(config.get("lower", True)), str(filters or ""), str(split))
