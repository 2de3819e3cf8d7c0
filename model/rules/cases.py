"""Expectations of rules: a table of messages, and what is to be said of each."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.errors import ModelError, reason
from model.graph import frozen
from model.rules import quiet
from model.rules.compiling import Guarded
from model.rules.deciding import VERDICTS
from model.rules.policy import TEXT, Policy

_EXPECTED = ("verdict", "rule")


class Case(NamedTuple):
    line: int  # of the file, where its row begins
    cells: dict[str, bytes]  # by column: the text and what else the rules look at
    score: float | None  # what the model would say; None: what it says
    verdict: str | None  # None: whichever
    rule: str | None


class Failure(NamedTuple):
    line: int
    text: str  # "expected ..., and got ..."


def read(path: Path, policy: Policy) -> list[Case]:
    """Read a CSV file with a header: `text`, the columns that the rules look at, and of `verdict`, `rule` and `score`
    those that matter. Raises ModelError, with the line, for what is none."""
    try:
        content = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    if not content.strip():
        raise ModelError(f"{path} is empty: it needs a header, with text, and verdict or rule")
    rows = _rows(path, content)
    _, header = next(rows, (0, []))
    missing = [name for name in (TEXT, *policy.columns) if name not in header]
    if missing:
        raise ModelError(f"{path} has no column {missing[0]!r} in its header")
    if not set(_EXPECTED) & set(header):
        raise ModelError(f"{path} expects nothing: it has neither a column 'verdict' nor a column 'rule'")
    cases = []
    for line, row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise ModelError(f"{path}, line {line}: {len(row)} values, and the header has {len(header)}")
        cases.append(_case(path, line, dict(zip(header, row, strict=True)), policy))
    if not cases:
        raise ModelError(f"{path} expects nothing: no row follows its header")
    return cases


def _rows(path: Path, content: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line that each begins in."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise ModelError(f"{path}, line {line}: {error}") from None


def _case(path: Path, line: int, row: dict[str, str], policy: Policy) -> Case:
    verdict, rule, score = row.get("verdict") or None, row.get("rule"), row.get("score") or None
    if verdict is not None and verdict not in VERDICTS:
        raise ModelError(f"{path}, line {line}: the verdict is {verdict[:40]!r}, not {', '.join(VERDICTS)}")
    if rule and rule not in {each.name for each in policy.rules}:
        raise ModelError(f"{path}, line {line}: no rule is called {rule[:40]!r}")
    try:
        number = None if score is None else float(score)
    except ValueError:
        raise ModelError(f"{path}, line {line}: the score is {score!r}, not a number") from None
    cells = {name: row[name].encode("utf-8", "surrogateescape") for name in (TEXT, *policy.columns)}
    return Case(line, cells, number, verdict, rule)


def stand_in() -> bytes:
    """A graph in a model's place, for rules without one: its score is fed."""
    with v1.Graph().as_default() as graph:
        v1.placeholder(tf.string, [None], name=TEXT)
        tf.identity(v1.placeholder(tf.float32, [None], name="given"), name="score")
    content: bytes = graph.as_graph_def().SerializeToString(deterministic=True)
    return content


def failures(cases: Sequence[Case], guarded: Guarded, policy: Policy, has_model: bool) -> list[Failure]:
    """Those cases of which the compiled graph says something else, in order.

    Where a case has no score it is the model's, or without one 0. Raises ModelError if the graph cannot run on them.
    """
    if not cases:
        return []
    graph = frozen.load(guarded.content)
    feeds = {guarded.text: _column(cases, TEXT)}
    feeds |= {f"{name}:0": _column(cases, name) for name in policy.columns}
    score = frozen.tensor(graph, guarded.score)
    with quiet.re2(), v1.Session(graph=graph) as session:
        session.run(frozen.initialisers(graph))
        try:
            known = session.run(score, feeds) if has_model else np.zeros(len(cases), np.float32)
            given = [old if case.score is None else case.score for case, old in zip(cases, known.ravel(), strict=True)]
            scores = np.array(given, score.dtype.as_numpy_dtype).reshape(known.shape)
            said = session.run(["score:0", "verdict:0", "rule:0"], {**feeds, score: scores})
        except (tf.errors.OpError, ValueError) as error:
            raise ModelError(f"the graph cannot score the cases: {reason(error)}") from None
    found = []
    for case, got_score, got_verdict, got_rule in zip(cases, *said, strict=True):
        verdict, rule = got_verdict.decode(), got_rule.decode()
        if case.verdict not in (None, verdict) or case.rule not in (None, rule):
            wanted = _told(case.verdict or verdict, rule if case.rule is None else case.rule)
            found.append(
                Failure(case.line, f"expected {wanted}, and got {_told(verdict, rule)}, score {got_score:.4f}")
            )
    return found


def _told(verdict: str, rule: str) -> str:
    return f"{verdict} by {rule!r}" if rule else f"{verdict} by no rule"


def _column(cases: Sequence[Case], name: str) -> npt.NDArray[np.object_]:
    result = np.empty(len(cases), object)
    result[:] = [case.cells[name] for case in cases]
    return result
