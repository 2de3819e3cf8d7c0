"""`model rules`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from formats.files import safe
from model.cli.console import PLACE, as_json, check_output, import_tensorflow, tell
from model.cli.tables import show

if TYPE_CHECKING:
    from model.rules.cases import Failure
    from model.rules.joining import Joined
    from model.rules.policy import Policy


@click.command()
@click.argument("place", metavar="RULES.toml", type=PLACE)
@click.option("--on", "model", metavar="M.pb", type=PLACE, help="The frozen graph that the rules stand beside.")
@click.option("--output", metavar="PATH", type=PLACE, help="The frozen graph to write, with the rules in it.")
@click.option("--test", "cases", metavar="CSV", type=PLACE, help="Check expectations: text, verdict, rule.")
@click.option("--input", "text", metavar="PLACEHOLDER", help="Which takes the texts.  [default: text, or the only one]")
@click.option("--score", metavar="NODE", help="Which gives the scores.  [default: score, or the only output]")
@as_json
def rules(
    place: Path,
    model: Path | None,
    output: Path | None,
    cases: Path | None,
    text: str | None,
    score: str | None,
    as_json: bool,
) -> None:
    """Compile allow and deny lists, phrases, patterns and thresholds into a frozen graph.

    The .pb is then the whole policy, under one digest. It takes the column text, and others that the rules look at,
    such as sender. Its outputs are score; verdict (ham, review, spam); and rule, the name of the one that decided, or
    empty. Allow counts before deny, deny before the score, and what adds points changes the score.

    \b
    model rules rules.toml                     check it, and list the rules
    model rules rules.toml --test cases.csv    exit code 1 if one fails
    model rules rules.toml --on spam.pb --output guarded.pb
    model rules rules.toml --on spam.pb --test cases.csv \\
      --output guarded.pb

    \b
    [thresholds]                          [[deny]]
    review = 0.5                          name = "shorteners"
    spam = 0.9                            domains = ["bit.ly"]
    \b
    [[allow]]                             [[points]]
    name = "our newsletter"               name = "prizes"
    senders = ["news@example.org"]        points = 1.5
    senders_file = "senders.txt"          phrases = ["you have won"]
                                          patterns = ['(?i)free.{0,20}prize']

    Patterns are RE2's, which knows no look-ahead, and hold where they match some part of a text. Cases are a CSV file
    with the columns text, verdict and rule (either may be left out), what else the rules look at, and score, which is
    the model's if it is empty; without --on that is 0.
    """
    if output is not None and model is None:
        raise click.UsageError("--output needs --on: the model that the rules stand beside")
    if output is not None:
        check_output(output, place, model, cases)
    import_tensorflow()
    from model.rules import cases as expectations
    from model.rules import compiling, joining, reading

    read = reading.read(place)
    table = [] if cases is None else expectations.read(cases, read.policy)
    joined = joining.join(read)
    if read.policy.is_empty:
        tell(f"model: {place} has neither rules nor thresholds: spam is what scores 0.5 or more", err=True)
    for warning in joined.warnings:
        tell(f"model: {warning}", err=True)
    data = expectations.stand_in() if model is None else _content(model)
    guarded = compiling.compile(data, read.policy, joined.groups, text, score)
    failed = expectations.failures(table, guarded, read.policy, model is not None) if cases else []
    if as_json:
        click.echo(json.dumps(_as_dict(read.policy, joined, len(table), failed, guarded.content, output, failed == [])))
    else:
        _print(read.policy, joined)
    for each in failed:
        tell(f"{cases}, line {each.line}: {each.text}", err=True)
    if cases is not None:
        tell(f"{len(table) - len(failed):,} of {len(table):,} expectations hold", err=True)
    if failed:
        raise SystemExit(1)
    if output is not None:
        with safe.replacing(output) as file:
            file.write(guarded.content)
        if not as_json:
            tell(f"{_sha256(guarded.content)}  {output}")


def _content(place: Path) -> bytes:
    from model.errors import ModelError

    try:
        return place.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {place}: {error.strerror}") from None


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _print(policy: "Policy", joined: "Joined") -> None:
    from model.rules import listing

    tell(listing.thresholds(policy))
    if policy.rules:
        show(listing.HEADER, listing.rows(policy))
    for group in joined.groups:
        many = listing.counted(sum(len(part.entries) for part in group.parts), group.family)
        cost = f"{group.cost.microseconds:.2f} µs a message of 100 bytes"
        tell(f"{group.column}: {many} in one pass, {cost}", err=True)


def _as_dict(
    policy: "Policy",
    joined: "Joined",
    cases: int,
    failed: "list[Failure]",
    content: bytes,
    output: Path | None,
    holds: bool,
) -> dict[str, object]:
    written = output is not None and holds
    return {
        "policy": json.loads(policy.to_json()),
        "columns": ["text", *policy.columns],
        "groups": [
            {
                "column": group.column,
                "family": group.family,
                "entries": sum(len(part.entries) for part in group.parts),
                "microseconds": round(group.cost.microseconds, 3),
            }
            for group in joined.groups
        ],
        "warnings": list(joined.warnings),
        "cases": cases,
        "failed": [each._asdict() for each in failed],
        "output": str(output) if written else None,
        "sha256": _sha256(content) if written else None,
    }
