"""Everything the generator can say: the languages' TOML files beside this module, read and compiled."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, NamedTuple

from data.generate.grammar import Draw, Grammar, Writer, pick
from data.generate.handwriting import typed
from data.generate.obfuscation import Obfuscator

Label = Literal["ham", "spam"]
Sample = Literal["messages", "labelled"]

_HERE = Path(__file__).parent
# One message in so many is in this language.
_LANGUAGES = {"english": 40, "korean": 22, "chinese": 16, "spanish": 11, "japanese": 11}
_OBFUSCATED = 0.25  # of the spam


class Topic(NamedTuple):
    """A kind of message, such as parcel scams: what is written about it, by whom, on which channels."""

    name: str
    language: str
    label: Label
    channels: list[str]
    senders: dict[str, Writer]
    texts: list[Writer]
    obfuscate: Obfuscator
    handwritten: bool
    bulk: bool
    """Whether the same text goes out to many."""


class Draft(NamedTuple):
    """A text, and where it came from."""

    topic: Topic
    channel: str
    text: str


class Repertoire:
    """The topics of every language, each as frequent as its weight says.

    Each of the two samples keeps a fifth of every topic's templates from the other, so that what a model learns from
    ``labelled.csv`` meets sentences in ``messages.csv`` that it has never seen. Without a sample, all are used.
    """

    def __init__(self, sample: Sample | None = None) -> None:
        common = tomllib.loads((_HERE / "common.toml").read_text(encoding="utf-8"))
        self._topics: dict[Label, list[list[Topic]]] = {"ham": [], "spam": []}
        for language, share in _LANGUAGES.items():
            file = tomllib.loads((_HERE / f"{language}.toml").read_text(encoding="utf-8"))
            obfuscator = Obfuscator(file["bait"], file["lookalikes"])
            weighted: dict[Label, list[Topic]] = {"ham": [], "spam": []}
            for entry in file["topics"]:
                topic = _topic(entry, file["code"], common, common["words"] | file["words"], obfuscator, sample)
                weighted[topic.label] += [topic] * entry["weight"]
            for label, topics in weighted.items():
                self._topics[label] += [topics] * share

    def draft(self, label: Label, draw: Draw) -> Draft:
        """Write a message of that label, in a language and on a topic chosen by their frequency."""
        topic = pick(pick(self._topics[label], draw), draw)
        channel = pick(topic.channels, draw)
        text = pick(topic.texts, draw)(draw)
        if label == "spam":
            if draw() < _OBFUSCATED:
                text = topic.obfuscate(text, draw)
        elif topic.handwritten and channel != "email":
            text = typed(text, draw)
        return Draft(topic, channel, text.strip())


def _topic(
    entry: dict[str, Any],
    code: str,
    common: dict[str, Any],
    words: dict[str, list[str]],
    obfuscator: Obfuscator,
    sample: Sample | None,
) -> Topic:
    writer, label = entry["from"], entry["label"]
    known = writer in ("person", "stranger")
    if not known:
        words = words | {"desk": [writer], "DESK": [writer.upper()]}
    grammar = Grammar(words)
    senders = common["senders"][writer if known else "desk"]

    return Topic(
        name=entry["name"],
        language=code,
        label=label,
        channels=entry["channels"],
        senders={channel: grammar.compile(senders.get(channel, senders["messenger"])) for channel in entry["channels"]},
        texts=[grammar.compile(template) for template in _portion(entry["texts"], sample)],
        obfuscate=obfuscator,
        handwritten=writer == "person",
        bulk=entry.get("bulk", label == "spam"),
    )


def _portion(templates: list[str], sample: Sample | None) -> list[str]:
    """Return what the sample may use: the last fifth is kept from "labelled", the fifth before it from "messages"."""
    fifth = max(1, len(templates) // 5)
    if sample == "labelled":
        return templates[:-fifth]
    if sample == "messages":
        return templates[: -2 * fifth] + templates[-fifth:]
    return templates
