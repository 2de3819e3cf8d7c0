"""Ops of which it depends on their attributes whether they are accepted."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphs.families.refusals import FILES, TRAINS, UNINITIALISED
from graphs.messages import NodeDef

_RESOURCE, _VARIANT = 20, 21  # of TensorFlow's types.proto


class Condition(NamedTuple):
    """`why_not` says why a node of the op is refused, as the end of "the op X, which ...", or None; `attributes` are
    those that it looks at: one that a function leaves to its caller is refused."""

    attributes: tuple[str, ...]
    why_not: Callable[[NodeDef], str | None]


def _empty(node: NodeDef) -> str | None:
    return None if "init" in node.attr and node.attr["init"].b else UNINITIALISED


def _parallel_concat(node: NodeDef) -> str | None:
    """It makes a tensor of the shape that it is told, and fills one row of it by each of its inputs."""
    sizes = [dim.size for dim in node.attr["shape"].shape.dim] if "shape" in node.attr else []
    is_filled = sizes and "N" in node.attr and sizes[0] == node.attr["N"].i
    return None if is_filled else UNINITIALISED


def _proto(node: NodeDef) -> str | None:
    """Which messages there are is told by a file, by bytes in the graph, or by the program itself."""
    source = bytes(node.attr["descriptor_source"].s) if "descriptor_source" in node.attr else b""
    return None if source in (b"", b"local://") or source.startswith(b"bytes://") else FILES


def _sampler(node: NodeDef) -> str | None:
    return FILES if "vocab_file" in node.attr and node.attr["vocab_file"].s else None


def _value(attribute: str) -> Callable[[NodeDef], str | None]:
    """A handle names what is outside the graph; of a variant it is its content that says what decodes it."""

    def why_not(node: NodeDef) -> str | None:
        types = [node.attr[attribute].type] if attribute in node.attr else []
        if "value" in node.attr:
            types.append(node.attr["value"].tensor.dtype)
        return "makes a handle of bytes" if {_RESOURCE, _VARIANT} & set(types) else None

    return why_not


def _dropout(node: NodeDef) -> str | None:
    is_training = "is_training" not in node.attr or node.attr["is_training"].b
    is_dropping = "dropout" in node.attr and node.attr["dropout"].f != 0
    return TRAINS if is_training and is_dropping else None


CONDITIONS: Mapping[str, Condition] = {
    "Empty": Condition(("init",), _empty),
    "ParallelConcat": Condition(("shape", "N"), _parallel_concat),
    **dict.fromkeys(("DecodeProtoV2", "EncodeProto"), Condition(("descriptor_source",), _proto)),
    "FixedUnigramCandidateSampler": Condition(("vocab_file",), _sampler),
    **dict.fromkeys(("Const", "HostConst"), Condition((), _value("dtype"))),
    "ParseTensor": Condition(("out_type",), _value("out_type")),
    **dict.fromkeys(("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3"), Condition(("is_training", "dropout"), _dropout)),
}


def condition_refusal(node: NodeDef) -> str | None:
    """Say why the node's attributes make a worker refuse it, or return None."""
    condition = CONDITIONS.get(node.op)
    if condition is None:
        return None
    if any(name in node.attr and node.attr[name].placeholder for name in condition.attributes):
        return "has attributes that its caller decides"
    return condition.why_not(node)
