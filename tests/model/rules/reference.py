"""What rules mean, restated in plain Python: sets, loops over characters, and `re` for patterns. Slow and obvious."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from model.rules.policy import Policy, Rule

_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
VERDICTS = ("ham", "review", "spam")


class Said(NamedTuple):
    score: np.float32
    verdict: str
    rule: str


def decide(policy: Policy, cells: dict[str, bytes], score: np.float32) -> Said:
    held = [rule for rule in policy.rules if holds(rule, cells)]
    points = sum(rule.points for rule in held)
    after = add(score, points)
    for kind, verdict in (("allow", "ham"), ("deny", "spam")):
        for rule in held:
            if rule.kind == kind:
                return Said(after, verdict, rule.name)
    before, now = level(policy, score), level(policy, after)
    sign = 1 if now > before else -1
    movers = [rule for rule in held if rule.points * sign > 0] if now != before else []
    name = max(movers, key=lambda rule: rule.points * sign).name if movers else ""  # of equal ones max takes the first
    return Said(after, VERDICTS[now], name)


def level(policy: Policy, score: np.float32) -> int:
    if score >= np.float32(policy.spam):
        return 2
    return 1 if policy.review is not None and score >= np.float32(policy.review) else 0


def add(score: np.float32, points: int) -> np.float32:
    if points == 0:
        return score
    odds = np.exp(np.float64(points) / 100)
    return np.float32(np.float64(score) * odds / (1 - np.float64(score) + np.float64(score) * odds))


def holds(rule: Rule, cells: dict[str, bytes]) -> bool:
    text = cells[rule.column].decode("utf-8", "replace")
    return (
        is_from_any(rule.senders or (), cells.get("sender", b""))
        or any(has_domain(text, entry) for entry in rule.domains)
        or any(has_url(text, entry) for entry in rule.urls)
        or any(has_phrase(text, entry, rule.match_case) for entry in rule.phrases)
        or any(re.search(entry, text) for entry in rule.patterns)
    )


def address(sender: bytes) -> str:
    blanks = " \t\n\r\f\v"
    text = sender.decode("utf-8", "replace").strip(blanks)
    named = re.fullmatch("(?s:.*)<([^<>]*)>", text)
    text = named[1].strip(blanks) if named else text
    return "".join(character.lower() if character.isascii() else character for character in text)


def is_from_any(entries: tuple[str, ...], sender: bytes) -> bool:
    found = address(sender)
    domain = found[found.rindex("@") :] if "@" in found else None
    return found in entries or domain in entries or any(is_like(each, found) for each in entries if "*" in each)


def is_like(entry: str, found: str) -> bool:
    inner = "(?s:.*)".join(map(re.escape, entry.split("*")))
    return re.fullmatch(f"(?s:.*){inner}" if entry.startswith("@") else inner, found) is not None


def is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def is_of_word(character: str) -> bool:
    """Of a word that is written between blanks."""
    return (is_letter(character) or character == "_") and not unicodedata.name(character, "").startswith(_UNSPACED)


def has_phrase(text: str, phrase: str, match_case: bool) -> bool:
    blank = r"[\s\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
    expression = blank.join(re.escape(word) for word in phrase.split(" "))
    for before, behind in _places(text, expression, 0 if match_case else re.IGNORECASE):
        left = not is_of_word(phrase[0]) or not before or not is_of_word(before[-1])
        right = not is_of_word(phrase[-1]) or not behind or not is_of_word(behind[0])
        if left and right:
            return True
    return False


def _places(text: str, expression: str, flags: int) -> Iterator[tuple[str, str]]:
    """What is before and behind each match, overlapping ones too."""
    for match in re.finditer(f"(?=({expression}))", text, flags):
        yield text[: match.start()], text[match.end(1) :]


def forms(host: str) -> list[str]:
    return [host] if host.isascii() else [host, host.encode("idna").decode()]


def prolongs(character: str) -> bool:
    return character.isascii() and character.isalnum()


def ends_host(behind: str) -> bool:
    rest = behind.lstrip(".-")
    return not behind or (not rest or not prolongs(rest[0]))


def has_domain(text: str, host: str) -> bool:
    return any(
        (not before or not (prolongs(before[-1]) or before[-1] == "-")) and ends_host(behind)
        for form in forms(host)
        for before, behind in _places(text, re.escape(form), re.IGNORECASE)
    )


def has_url(text: str, url: str) -> bool:
    host, path = re.fullmatch("([^/?#]*)(.*)", url, re.DOTALL).groups()
    for form in forms(host):
        for before, behind in _places(text, re.escape(form), re.IGNORECASE):
            starts = [before]
            if before.lower().replace("\u017f", "s").endswith("www."):
                starts.append(before[:-4])
            if not any(not each or not (prolongs(each[-1]) or each[-1] in ".-") for each in starts):
                continue
            if not path and ends_host(behind):
                return True
            if path and behind.startswith(path):
                rest = behind[len(path) :]
                if not (path[-1].isalnum() or path[-1] in "_-") or not rest:
                    return True
                if not (prolongs(rest[0]) or rest[0] in "_-"):
                    return True
    return False
