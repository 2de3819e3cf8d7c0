"""The part of the graph that looks senders up: lists of any length are tables, filled from constants."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from model.rules.policy import Policy
from model.rules.texts import mended, replaced

_PLAIN = r"[!-;=?@\[-~]*"  # ASCII that prints, without blanks, angle brackets and upper case
_NAMED = r"^\C*<([^<>]*)>$"
_TO_DOMAIN = r"^\C*@"


class Looked(NamedTuple):
    """Senders that are in the same rules are one set; set 0 is of those that are in none."""

    rules: list[int]  # their places in the policy
    rules_of_sets: npt.NDArray[np.bool_]  # [sets, rules]
    sets: tf.Tensor  # int64 [N]: each message's


def address(senders: tf.Tensor) -> tf.Tensor:
    """Senders as lists have them: without a name before them or blanks around them, ASCII letters in lower case."""
    return mended(senders, tf.strings.regex_full_match(senders, _PLAIN), _mend)


def _mend(senders: tf.Tensor) -> tf.Tensor:
    stripped = tf.strings.strip(replaced(senders))
    inner = tf.strings.regex_replace(stripped, _NAMED, r"\1", replace_global=False)
    return tf.strings.lower(tf.strings.strip(inner))


def look_up(policy: Policy, addresses: tf.Tensor) -> list[Looked]:
    """Look up addresses, strings [N], and what is behind their last '@' among the entries `@domain`."""
    whole: dict[str, list[int]] = {}
    domains: dict[str, list[int]] = {}
    for number, rule in enumerate(policy.rules):
        for entry in rule.senders or ():
            if "*" not in entry:
                (domains if entry.startswith("@") else whole).setdefault(entry, []).append(number)
    found = [_table("addresses", whole, addresses)]  # even an empty list takes the column: tomorrow it may have entries
    if domains:
        found.append(
            _table("domains", domains, tf.strings.regex_replace(addresses, _TO_DOMAIN, "@", replace_global=False))
        )
    return found


def _table(name: str, rules_by_entry: dict[str, list[int]], texts: tf.Tensor) -> Looked:
    sets: dict[tuple[int, ...], int] = {(): 0}
    values = [sets.setdefault(tuple(rules), len(sets)) for rules in rules_by_entry.values()]
    rules = sorted({rule for each in sets for rule in each})
    members = np.array([[rule in each for rule in rules] for each in sets], np.bool_).reshape(len(sets), len(rules))
    if not values:  # a table must have something in it
        return Looked([], members, tf.zeros_like(texts, tf.int64))
    handle = tf.raw_ops.HashTableV2(
        key_dtype=tf.string, value_dtype=tf.int64, shared_name=f"rules/{name}", name=f"{name}/table"
    )
    tf.raw_ops.InitializeTableV2(
        table_handle=handle,
        keys=tf.constant([each.encode() for each in rules_by_entry], tf.string, [len(values)]),
        values=tf.constant(values, tf.int64, [len(values)]),
        name=f"{name}/fill",
    )
    found = tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=texts, default_value=tf.constant(0, tf.int64))
    found.set_shape([None])
    return Looked(rules, members, found)
