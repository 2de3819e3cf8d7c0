"""What people are told of a policy: a line a rule."""

from model.rules.policy import Policy, Rule

HEADER = ("rule", "kind", "looks at", "for")


def rows(policy: Policy) -> list[tuple[str, str, str, str]]:
    """In the order in which they count, as HEADER has it."""
    return [(rule.name, _kind(rule), ", ".join(_columns(rule)) or rule.column, _entries(rule)) for rule in policy.rules]


def thresholds(policy: Policy) -> str:
    review = "" if policy.review is None else f", review from {policy.review:g}"
    return f"allow before deny before score; spam from {policy.spam:g}{review}"


def counted(count: int, entries: str) -> str:
    """So many of a list's entries: "1 domain", "2,000 domains"."""
    return f"{count:,} {entries if count != 1 else entries.removesuffix('s')}"


def _kind(rule: Rule) -> str:
    return f"{rule.points / 100:+g} points" if rule.kind == "points" else rule.kind


def _columns(rule: Rule) -> list[str]:
    counts = rule.counts()
    return [*(["sender"] if counts.pop("senders", 0) else []), *([rule.column] if counts else [])]


def _entries(rule: Rule) -> str:
    return ", ".join(counted(count, name) for name, count in rule.counts().items()) or "nothing: its lists are empty"
