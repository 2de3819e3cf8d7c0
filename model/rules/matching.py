"""The part of the graph that finds which rules hold for which messages.

First every message meets each group of entries, and its sender a table. Only the few that one of these holds for are
looked at again, rule by rule: of N messages, H.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from model.rules import senders
from model.rules.expressions import matching
from model.rules.joining import Group
from model.rules.policy import SENDER, Policy
from model.rules.texts import utf8


class Hits(NamedTuple):
    """The messages that some rule holds for."""

    rows: tf.Tensor  # int64 [H]: their places, ascending
    rules: tf.Tensor  # bool [H, R]: which rules hold


def hits(columns: Mapping[str, tf.Tensor], policy: Policy, groups: Sequence[Group]) -> Hits:
    """Add to the default graph what finds the rules that hold. `columns` are strings [N]: the text and all others that
    the policy looks at. The policy has at least one entry."""
    texts = {name: utf8(columns[name]) for name in dict.fromkeys(g.column for g in groups if g.family != "senders")}
    addresses = senders.address(columns[SENDER]) if policy.has_senders else None
    some = []
    for group in groups:
        looked_at = addresses if group.family == "senders" else texts[group.column]
        some.append(tf.strings.regex_full_match(looked_at, group.expression))
    tables = [] if addresses is None else senders.look_up(policy, addresses)
    any_of = [*some, *(tf.not_equal(table.sets, 0) for table in tables)]
    together = any_of[0]
    for each in any_of[1:]:
        together = tf.logical_or(together, each)
    rows = tf.where(together)[:, 0]
    place = tf.cumsum(tf.cast(together, tf.int64)) - 1  # [N]: which of the H a message is

    found, numbers = [], []  # bool [H, k], and the rule of each of its columns
    for group, has in zip(groups, some, strict=True):
        looked_at = addresses if group.family == "senders" else texts[group.column]
        found.append(_by_rule(group, has, looked_at, rows, place))
        numbers += [part.rule for part in group.parts]
    for table in tables:
        found.append(tf.gather(tf.constant(table.rules_of_sets), tf.gather(table.sets, rows)))
        numbers += table.rules
    return Hits(rows, _gathered(found, numbers, len(policy.rules)))


def _by_rule(group: Group, has: tf.Tensor, texts: tf.Tensor, rows: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Which of the group's rules hold: bool [H, k]."""
    if len(group.parts) == 1:
        return tf.gather(has, rows)[:, tf.newaxis]
    own = tf.where(has)[:, 0]
    own_texts = tf.gather(texts, own)
    each = [tf.strings.regex_full_match(own_texts, matching(group.family, part.entries)) for part in group.parts]
    shape = tf.stack([tf.size(rows, out_type=tf.int64), tf.constant(len(each), tf.int64)])
    holds = tf.cast(tf.stack(each, axis=1), tf.int32)
    return tf.scatter_nd(tf.gather(place, own)[:, tf.newaxis], holds, shape) > 0


def _gathered(found: Sequence[tf.Tensor], numbers: Sequence[int], rules: int) -> tf.Tensor:
    """Put the columns in the rules' order: bool [H, rules]. A rule may have several, or none."""
    columns = tf.concat(found, axis=1)
    columns = tf.concat([columns, tf.zeros_like(columns[:, :1])], axis=1)  # for rules that have none
    places: list[list[int]] = [[] for _ in range(rules)]
    for column, rule in enumerate(numbers):
        places[rule].append(column)
    most = max(1, *map(len, places))
    padded = np.array([each + [len(numbers)] * (most - len(each)) for each in places], np.int32)
    return tf.reduce_any(tf.gather(columns, padded, axis=1), axis=2)
