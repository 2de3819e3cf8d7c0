"""The compiled graph says of any message what plain Python says: no message is read otherwise by joined expressions."""

import random
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from tests.model.rules import reference
from tests.model.rules.conftest import Compiled

# What `re` reads otherwise than RE2, whose classes are ASCII and whose `$` is the end: as it is to be written there.
AS_PYTHON = {
    r"x\Cy": "x[\\x00-\\x7f]y", r"\p{Cyrillic}{4}\d": "[\u0400-\u052f]{4}[0-9]", r"\bcasino\b": r"(?a:\bcasino\b)",
    r"\b\d{4}-\d{4}\b": r"(?a:\b\d{4}-\d{4}\b)", r"[£$€]\d+": "[£$€][0-9]+", "end$": r"end\Z", "^$": r"^\Z",
    r"^Your code is [0-9]{6}\.?$": r"^Your code is [0-9]{6}\.?\Z",
}  # fmt: skip
AROUND = [
    "", " ", "  ", "\t", "\n", ".", "-", "_", "!", "é", "ж", "免", "가", "ก", "x", "7", "\u0301", "\u00a0", "\u200b",
    "🎉", "\u2028", "²", "/", "@", "www.", "http://", "\x00", "ſ", "\u212a", "<", ">", "=", "?", "%", "(", "[", "\\",
    "|", "\u0085", "\v",
]  # fmt: skip
BROKEN = [b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x8e", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"]
WORDS = [
    "hello", "meeting", "tomorrow", "HELLO", "KIND REGARDS", "cash", "$5", "tie", "freedom", "bit", "ly", "won",
    "lunch", "免", "费", "приз", "ＦＲＥＥ", "12345", "aXc", "qéR", "Redo", "STRASSE", "your receipt", "end", "start",
    "line", "abc",
]  # fmt: skip
SENDERS = [
    "mum@example.org", "boss@work.example", "a@partner.example", "x@cs.campus.example", "news-1@letters.example",
    "bulk12@list.example", "bulk99999@list.example", "cash@offers.example", "nobody@example.net", "+15550001", "",
    "jürgen@example.org", "@partner.example", "a@b@partner.example",
]  # fmt: skip


def messages(expectations: Compiled, count: int) -> Iterator[dict[str, bytes]]:
    chance = random.Random(5)
    rules = expectations.policy.rules
    entries = [e for rule in rules for e in (*rule.domains, *rule.urls, *rule.phrases)] + [
        "casino", "lottery", "start", "bend", "abc", "x1y", "1234-5678", "one\ntwo", "qbr", "line", "undo", "шифр7",
        "tab\tbed", "straße", "Your code is 123456",
    ]  # fmt: skip
    for _ in range(count):
        pieces = []
        for _ in range(chance.choice([0, 1, 1, 2, 3, 5])):
            word = chance.choice(entries if chance.random() < 0.4 else WORDS)
            word = chance.choice([word, word, word, word.upper(), word.title(), word[:-1], word[1:], f"{word}s"])
            pieces.append(f"{chance.choice(AROUND)}{word}{chance.choice(AROUND)}".encode())
            if chance.random() < 0.1:
                pieces.append(chance.choice(BROKEN))
        text = chance.choice([b"", b" ", b" ", b"\n"]).join(pieces)
        if text and chance.random() < 0.1:
            place = chance.randrange(len(text))
            text = text[:place] + chance.choice([b"", b" ", *BROKEN]) + text[place + 1 :]
        text = b"Your code is 123456." if chance.random() < 0.01 else text
        sender = chance.choice(SENDERS) if chance.random() < 0.3 else "friend@example.net"
        sender = chance.choice(
            [sender, sender, sender.upper(), f" {sender}\n", f"A <B> <{sender}>", f"<{sender}", f"{sender}x"]
        )
        subject = chance.choice(["", "", "", "Re: Re: Re: hi", "the Weekly\u3000report", "weekly reports"])
        broken = chance.choice(BROKEN) if chance.random() < 0.05 else b""
        yield {"text": text, "sender": sender.encode() + broken, "subject": broken + subject.encode()}


def compare(expectations: Compiled, count: int) -> Counter[str]:
    policy = expectations.policy._replace(
        rules=tuple(
            rule._replace(patterns=tuple(AS_PYTHON.get(each, each) for each in rule.patterns))
            for rule in expectations.policy.rules
        )
    )
    known = list(messages(expectations, count))
    scores = np.random.default_rng(5).random(count, np.float32)
    scores[::50], scores[1::50], scores[2::50], scores[3::50] = 0.5, 0.9, 0, 1
    said: Counter[str] = Counter()
    for start in range(0, count, 1024):
        part = known[start : start + 1024]
        columns = {name: [each[name] for each in part] for name in part[0]}
        found = expectations.run(columns, scores[start : start + 1024])
        for cells, given, score, verdict, rule in zip(part, scores[start:], *found, strict=False):
            wanted = reference.decide(policy, cells, given)
            assert (verdict.decode(), rule.decode()) == (wanted.verdict, wanted.rule), (cells, given)
            if wanted.score == given:
                assert score == given
            else:  # the powers of e that the graph has are rounded correctly, NumPy's are not
                np.testing.assert_allclose(score, wanted.score, rtol=2e-7)
            said[wanted.rule] += 1
    return said


def check_is_telling(said: Counter[str], expectations: Compiled) -> None:
    """Each rule but the empty one decided some, and most messages were decided by none."""
    can = {rule.name for rule in expectations.policy.rules} - {"nobody", "tie b"}
    assert can <= said.keys(), can - said.keys()
    assert said[""] > sum(said.values()) / 5


def test_two_thousand_messages_are_read_as_plain_python_reads_them(expectations: Compiled) -> None:
    check_is_telling(compare(expectations, 2_000), expectations)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_messages_are_read_as_plain_python_reads_them(expectations: Compiled) -> None:
    check_is_telling(compare(expectations, 100_000), expectations)
