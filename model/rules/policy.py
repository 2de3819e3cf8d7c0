"""What a file of rules says, checked and in order; and as JSON, as the compiled graph keeps it."""

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

Kind = Literal["allow", "deny", "points"]
Entries = Literal["senders", "domains", "urls", "phrases", "patterns"]

KINDS: tuple[Kind, ...] = get_args(Kind)  # in the order of precedence
ENTRIES: tuple[Entries, ...] = get_args(Entries)
TEXT, SENDER = "text", "sender"  # columns
FORMAT = 1


class Rule(NamedTuple):
    """One rule, which holds where any of its entries does. Senders are looked for in the column `sender`, all else in
    `column`."""

    name: str
    kind: Kind
    column: str = TEXT
    points: int = 0  # hundredths of a logit
    match_case: bool = False  # of phrases
    senders: tuple[str, ...] | None = None  # None: the file doesn't have them, which is less than an empty list
    domains: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def counts(self) -> dict[Entries, int]:
        """How many entries it has of each kind that it has."""
        return {name: len(getattr(self, name)) for name in ENTRIES if getattr(self, name)}


class Policy(NamedTuple):
    """Rules in the order in which they count: allow, deny, points, and each kind as the file has it.

    A score from `spam` on is spam, else from `review` on for review, else ham.
    """

    rules: tuple[Rule, ...]
    spam: float = 0.5
    review: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing: of an empty file."""
        return self == Policy(())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rules look at besides the text, in order."""
        used = [rule.column for rule in self.rules if rule.domains or rule.urls or rule.phrases or rule.patterns]
        used += [SENDER] if self.has_senders else []
        return tuple(name for name in dict.fromkeys(sorted(used)) if name != TEXT)

    @property
    def has_senders(self) -> bool:
        return any(rule.senders is not None for rule in self.rules)

    def of_kind(self, kind: Kind) -> Sequence[int]:
        """The places in `rules` of this kind: they are consecutive."""
        return [place for place, rule in enumerate(self.rules) if rule.kind == kind]

    def to_json(self) -> str:
        """The same text for the same policy."""
        rules = [
            {key: value for key, value in rule._asdict().items() if value or (key == "senders" and value is not None)}
            for rule in self.rules
        ]
        content = {"format": FORMAT, "spam": self.spam, "review": self.review, "rules": rules}
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Policy | None":
        """What `to_json` wrote; None for anything else."""
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                return None
            rules = tuple(_rule(each) for each in content["rules"])
            review = content["review"]
            return cls(rules, float(content["spam"]), None if review is None else float(review))
        except (ValueError, TypeError, KeyError, RecursionError):
            return None


def _rule(content: dict[str, Any]) -> Rule:
    values: dict[str, Any] = {
        key: tuple(map(_text, value)) if key in ENTRIES else value for key, value in content.items()
    }
    rule = Rule(**values)
    if not (rule.kind in KINDS and isinstance(rule.points, int)):
        raise ValueError(rule.kind)
    _text(rule.name), _text(rule.column)
    return rule


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
