"""How names in a graph are read: of a node, of one of its outputs, of a control input.

A node reads from `node` (the first output), `node:1`, `^node` (it only waits for it) and, in a function's body,
`node:output:0`. Who fetches or feeds names a tensor, `node` or `node:1`, and never a control input.
"""

import re

_TENSOR = re.compile(r"(?P<node>[^:^][^:]*)(?::(?P<output>[0-9]+))?", re.DOTALL)


def node_of(source: str) -> str:
    """The node of an input or a tensor: `^node`, `node`, `node:1` and `node:output:0` name the same."""
    return source.removeprefix("^").partition(":")[0]


def is_control(source: str) -> bool:
    """Whether an input only says what has to run before."""
    return source.startswith("^")


def tensor_of(name: str) -> str | None:
    """A tensor's full name: `node:0` for `node` and `node:0`. None for what names no tensor: `^node`, `node:x`."""
    match = _TENSOR.fullmatch(name)
    return None if match is None else f"{match['node']}:{int(match['output'] or 0)}"


def short(tensor: str) -> str:
    """What people call a tensor, and a scores file its column: `node` for `node:0`."""
    return tensor.removesuffix(":0")


def renamed(source: str, names: dict[str, str]) -> str:
    """An input of the same kind from the node that `names` has for its node, if it has one."""
    control = "^" if is_control(source) else ""
    node, colon, output = source.removeprefix("^").partition(":")
    return f"{control}{names.get(node, node)}{colon}{output}"
