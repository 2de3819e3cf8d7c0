"""The part of the graph that decides: allow before deny before score."""

from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from model.rules.matching import Hits
from model.rules.policy import Policy
from model.rules.reading import MOST_POINTS, POINT

VERDICTS = ("ham", "review", "spam")
_NONE = np.int64(1 << 40)  # greater than any rule's number
_ROOM = np.int64(1 << 20)  # rules: a rule's points and number share an int64


class Decision(NamedTuple):
    """All [N]."""

    score: tf.Tensor  # as the model's, with the points
    verdict: tf.Tensor  # string: one of VERDICTS
    rule: tf.Tensor  # string: the name of the one that decided, or empty


class _Held(NamedTuple):
    """What holds for each message, all int64 [N]; of no rule, 0. Rules are counted from 1."""

    allow: tf.Tensor  # the first that does
    deny: tf.Tensor
    points: tf.Tensor  # hundredths
    up: tf.Tensor  # the rule that adds the most
    down: tf.Tensor  # the rule that takes away the most


def decide(score: tf.Tensor, hits: Hits | None, policy: Policy) -> Decision:
    """Add the decision to the default graph. `score` is floating point [N]; without `hits` no rule can hold."""
    if hits is None:
        nothing = tf.zeros_like(score, tf.int64)
        held = _Held(nothing, nothing, nothing, nothing, nothing)
    else:
        held = _held(hits, policy, tf.size(score, out_type=tf.int64))
    with_points = _add(score, held.points) if hits is not None and policy.of_kind("points") else score
    before, after = _level(score, policy), _level(with_points, policy)
    ham, spam = tf.zeros_like(after), tf.zeros_like(after) + (len(VERDICTS) - 1)
    level = tf.where(held.allow > 0, ham, tf.where(held.deny > 0, spam, after))
    moved = tf.where(after > before, held.up, tf.where(after < before, held.down, tf.zeros_like(held.up)))
    rule = tf.where(held.allow > 0, held.allow, tf.where(held.deny > 0, held.deny, moved))
    names = tf.constant(["", *(rule.name for rule in policy.rules)])
    return Decision(with_points, tf.gather(tf.constant(VERDICTS), level), tf.gather(names, rule))


def _held(hits: Hits, policy: Policy, count: tf.Tensor) -> _Held:
    """Decide for the messages that a rule holds for, and spread it over all."""
    numbers = np.arange(1, len(policy.rules) + 1, dtype=np.int64)
    points = np.array([rule.points for rule in policy.rules], np.int64)
    allow, deny = (np.array([rule.kind == kind for rule in policy.rules]) for kind in ("allow", "deny"))
    up, down = _first_of_most(hits, points, numbers), _first_of_most(hits, -points, numbers)
    total = tf.reduce_sum(tf.where(hits.rules, points, np.int64(0)), axis=1)
    found = [_first(hits, numbers, allow), _first(hits, numbers, deny), total, up, down]
    shape = tf.stack([count, tf.constant(len(found), tf.int64)])
    spread = tf.scatter_nd(hits.rows[:, tf.newaxis], tf.stack(found, axis=1), shape)
    return _Held(*(spread[:, place] for place in range(len(found))))


def _first(hits: Hits, numbers: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]) -> tf.Tensor:
    """The lowest number of the chosen rules that hold: int64 [H]; 0 if none does."""
    number = tf.reduce_min(tf.where(hits.rules, np.where(chosen, numbers, _NONE), _NONE), axis=1)
    return tf.where(number < _NONE, number, tf.zeros_like(number))


def _first_of_most(hits: Hits, points: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]) -> tf.Tensor:
    """The number of the rule that adds the most points, of several the first: int64 [H]; 0 if none adds any."""
    keys = np.where(points > 0, points * _ROOM + (_ROOM - 1 - numbers), np.int64(0))
    key = tf.reduce_max(tf.where(hits.rules, keys, np.int64(0)), axis=1)
    return tf.where(key > 0, _ROOM - 1 - key % _ROOM, tf.zeros_like(key))


def _add(score: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Add hundredths of a logit to probabilities. Where there are none the score keeps its bits.

    A logit more multiplies the odds of spam, score / (1 - score), by e. Powers of e come from a table, since `exp`
    gives other last bits elsewhere.
    """
    most = MOST_POINTS * POINT
    table = tf.constant(odds())
    times = tf.gather(table, tf.clip_by_value(points, -most, most) + most)
    wide = tf.cast(score, tf.float64)
    raised = wide * times
    moved = tf.cast(raised / ((1 - wide) + raised), score.dtype)
    return tf.where(tf.equal(points, 0), score, moved)


def odds() -> npt.NDArray[np.float64]:
    """By what so many hundredths of a logit multiply the odds, from the least to the most: correctly rounded."""
    most = MOST_POINTS * POINT
    return np.array([float((Decimal(each) / POINT).exp()) for each in range(-most, most + 1)])


def _level(score: tf.Tensor, policy: Policy) -> tf.Tensor:
    """The verdict's place: int32 [N]. Compared in the score's own precision, in which it is written."""
    is_spam = score >= tf.constant(policy.spam, score.dtype)
    level = tf.where(is_spam, 2, 0)
    if policy.review is None:
        return level
    return tf.where(is_spam, level, tf.cast(score >= tf.constant(policy.review, score.dtype), tf.int32))
