"""What a graph from somewhere else may do in a worker: the accepted ops, the refused ones, and why. No TensorFlow here.

`graphs.families` has the ops, reviewed family by family. The rules:

1. an op is accepted only by its name: what nobody has reviewed is refused, such as what a later TensorFlow brings;
2. some are accepted only with certain attributes (`graphs.families.conditions`);
3. one that is accepted because it only computes is refused by a TensorFlow that calls it stateful, that is, with
   effects beyond its outputs, or that has it take or give a reference, through which a value may be changed;
4. an op that the worker's TensorFlow does not have is refused (a custom one would need a library);
5. whoever runs a worker may accept more, by name (`graphs.allowed`).

`graphs.verdict` applies them to a graph: rules 3 and 4 need the list of ops that a TensorFlow has.

What remains computes outputs from the inputs of one call: no record leaves anything for the next. That bounds what a
graph may touch, not how much time or memory it takes.
"""

import hashlib
import re

from graphs.families import stateful
from graphs.families.conditions import CONDITIONS
from graphs.families.numbers import NUMBERS
from graphs.families.records import RECORDS
from graphs.families.refusals import KEEPS, REFUSALS, VARIABLE_WRITES
from graphs.families.stateful import STATEFUL
from graphs.families.tensors import TENSORS

ACCEPTED = (*NUMBERS, *TENSORS, *RECORDS, *STATEFUL)  # families

NOT_REVIEWED = "nobody has reviewed yet"

_ACCEPTED_OPS = frozenset[str]().union(*(family.ops for family in ACCEPTED))
_STATEFUL_OPS = frozenset[str]().union(*(family.ops for family in STATEFUL))

# Two calls with the same records differ. The last four are stateless by TensorFlow's registry: they draw unless an
# attribute says otherwise.
RANDOM = stateful.RANDOM.ops | {"ExtractGlimpse", "ExtractGlimpseV2", "FractionalAvgPool", "FractionalMaxPool"}
CLOCK = stateful.CLOCK.ops

# They call the function of their attribute `f`; their inputs are its arguments.
CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})

# They write into the table that is their first input.
TABLE_WRITES = re.compile(r"InitializeTable(V2)?|LookupTable(Insert|Remove|Import)(V2)?")

# They fill it, once: a session runs them before all else.
TABLE_FILLS = re.compile(r"InitializeTable(V2)?|LookupTableImport(V2)?")

# They hold values outside the graph: `model freeze` turns them into constants.
VARIABLES = stateful.VARIABLES.ops


def refusal(op: str, *, to_freeze: bool = False) -> str | None:
    """Say why a worker refuses this op whatever its attributes, as the end of "the op X, which ...", or return None.

    Variables that are read are no danger: they are the parser's business. Nor are those that are written, if the graph
    is yet `to_freeze`: that is training, and is left behind.
    """
    if op in _ACCEPTED_OPS:
        return None
    if changes_variable(op):
        return None if to_freeze else KEEPS
    return next((family.reason for family in REFUSALS if family.has(op)), NOT_REVIEWED)


def changes_variable(op: str) -> bool:
    return VARIABLE_WRITES.has(op)


def only_computes(op: str) -> bool:
    """Whether an op is accepted for what it computes, and so has no state and no references."""
    return op in _ACCEPTED_OPS and op not in _STATEFUL_OPS


def rules_digest() -> str:
    """The sha256, in hexadecimal, of the names and patterns above: with other ones a graph may be judged otherwise."""
    refused = [(each.reason, sorted(each.ops), each.pattern.pattern) for each in (*REFUSALS, VARIABLE_WRITES)]
    conditions = [(op, condition.attributes) for op, condition in sorted(CONDITIONS.items())]
    others = [sorted(_ACCEPTED_OPS), sorted(_STATEFUL_OPS), TABLE_WRITES.pattern, sorted(VARIABLES)]
    return hashlib.sha256(repr((refused, conditions, others)).encode()).hexdigest()
