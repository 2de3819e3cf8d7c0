"""Joins entries into groups: one expression, and one pass over a message, for as many as RE2's automaton bears."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from model.errors import ModelError
from model.rules.expressions import Family, matching
from model.rules.meter import Cost, Meter, NoExpressionError
from model.rules.policy import SENDER, Policy, Rule
from model.rules.reading import Rules

# Entries in a group to begin with: what typical ones bear with room to spare.
_MOST: dict[Family, int] = {
    "patterns": 100, "phrases": 400, "exact phrases": 400, "domains": 1000, "urls": 1000, "senders": 200,
}  # fmt: skip
_SLOW = 6.0  # times a plain word's time, an expression is slow
_LIGHT = 3.0  # times a plain word's time, a group needs no second look
_GAIN = 1.5  # another is cut where that saves a third of its time


class Part(NamedTuple):
    """Entries of one rule."""

    rule: int  # its place in the policy
    entries: tuple[str, ...]


class Group(NamedTuple):
    """Entries that are looked for together."""

    column: str
    family: Family
    parts: tuple[Part, ...]
    cost: Cost

    @property
    def expression(self) -> str:
        return matching(self.family, [entry for part in self.parts for entry in part.entries])


class Joined(NamedTuple):
    groups: tuple[Group, ...]
    warnings: tuple[str, ...]  # a line each, about entries that are slow or match everything


def join(rules: Rules) -> Joined:
    """Check each pattern, and join all entries but senders without `*`.

    Raises ModelError, with the line of the pattern, if RE2 does not take one.
    """
    with Meter() as meter:
        warnings = _check(rules, meter)
        groups: list[Group] = []
        for (column, family), found in _families(rules.policy).items():
            for chunk in _even(found, _MOST[family]):
                groups += _fitting(column, family, chunk, meter, rules)
    return Joined(tuple(groups), tuple(warnings))


def _check(rules: Rules, meter: Meter) -> list[str]:
    warnings = []
    for number, rule in enumerate(rules.policy.rules):
        for pattern in rule.patterns:
            place = f"{rules.places.get((number, 'patterns', pattern), 'the rules')}: the pattern {pattern[:80]!r}"
            try:
                meter.matches(pattern, [b""])  # by itself, lest it ends the brackets around it
                cost = _settled(meter, matching("patterns", [pattern]), _SLOW)
            except NoExpressionError as error:
                raise ModelError(f"{place} is none that RE2 takes: {error}") from None
            if meter.matches(matching("patterns", [pattern]), [b"", b"q"]).all():
                warnings.append(f"{place} matches every message")
            if cost.overflows or cost.microseconds > _SLOW * meter.plain:
                times = cost.microseconds / meter.plain
                warnings.append(f"{place} is slow: {times:.0f} times as long as a plain word")
    return warnings


def _families(policy: Policy) -> dict[tuple[str, Family], list[tuple[int, str]]]:
    """By column and family, (rule, entry), in the policy's order."""
    found: dict[tuple[str, Family], list[tuple[int, str]]] = {}
    for number, rule in enumerate(policy.rules):
        for column, family, entries in _of(rule):
            found.setdefault((column, family), []).extend((number, entry) for entry in entries)
    return {key: entries for key, entries in sorted(found.items()) if entries}


def _of(rule: Rule) -> Iterator[tuple[str, Family, Sequence[str]]]:
    yield rule.column, "patterns", rule.patterns
    yield rule.column, "exact phrases" if rule.match_case else "phrases", rule.phrases
    yield rule.column, "domains", rule.domains
    yield rule.column, "urls", rule.urls
    yield SENDER, "senders", [each for each in rule.senders or () if "*" in each]


def _even(found: list[tuple[int, str]], most: int) -> Iterator[list[tuple[int, str]]]:
    count = -(-len(found) // most)
    for place in range(count):
        yield found[len(found) * place // count : len(found) * (place + 1) // count]


def _fitting(column: str, family: Family, found: list[tuple[int, str]], meter: Meter, rules: Rules) -> list[Group]:
    """One group, or several if one is more than RE2 bears."""
    whole = _group(column, family, found, meter)
    if len(found) == 1:
        if whole is None:
            [(number, entry)] = found
            raise ModelError(f"the rule {rules.policy.rules[number].name!r}: {entry[:80]!r} is too long for RE2")
        return [whole]
    if whole is not None and not whole.cost.overflows and whole.cost.microseconds <= _LIGHT * meter.plain:
        return [whole]
    half = len(found) // 2
    parts = [part for each in (found[:half], found[half:]) for part in _fitting(column, family, each, meter, rules)]
    if whole is None or whole.cost.overflows:
        return parts
    return parts if _GAIN * sum(part.cost.microseconds for part in parts) < whole.cost.microseconds else [whole]


def _group(column: str, family: Family, found: Sequence[tuple[int, str]], meter: Meter) -> Group | None:
    parts: dict[int, list[str]] = {}
    for number, entry in found:
        parts.setdefault(number, []).append(entry)
    group = Group(column, family, tuple(Part(number, tuple(each)) for number, each in parts.items()), Cost(0, False))
    try:
        pieces = [] if family == "patterns" else [entry for _, entry in found]
        return group._replace(cost=_settled(meter, group.expression, _LIGHT, pieces))
    except NoExpressionError:
        return None


def _settled(meter: Meter, expression: str, times: float, pieces: Sequence[str] = ()) -> Cost:
    """An expression's cost; if it takes so many times as long as a plain word, that of a second look, if it is less: a
    machine that was busy for a moment tells nothing."""
    cost = meter.cost(expression, pieces)
    if cost.overflows or cost.microseconds <= times * meter.plain:
        return cost
    return min(cost, meter.cost(expression, pieces))
