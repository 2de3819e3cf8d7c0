"""The ops that this process's TensorFlow has, for the verdict on a graph."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session  # no public API lists the ops
from tensorflow.python.framework import op_def_registry  # nor says which are stateful

from graphs import allowed
from graphs.errors import GraphError
from graphs.verdict import OpList, Traits
from model.errors import ModelError


class _Registry(Mapping[str, Traits]):
    """TensorFlow's registry, asked op by op: to read all of it takes a twentieth of a second in each process."""

    def __getitem__(self, op: str) -> Traits:
        definition = op_def_registry.get(op)
        if definition is None:
            raise KeyError(op)
        arguments = [*definition.input_arg, *definition.output_arg]
        return Traits(definition.is_stateful, any(argument.is_ref for argument in arguments))

    def __iter__(self) -> Iterator[str]:
        listed = op_def_pb2.OpList()
        listed.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
        return iter([op.name for op in listed.op])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def op_list() -> OpList:
    """The ops under the name that a refusal gives them: "TensorFlow 2.21.0"; with what NIGHTSHIFT_ALLOW_OPS has
    accepted besides. Raises ModelError if that is no list of names."""
    try:
        return _op_list(allowed.from_environment())
    except GraphError as error:
        raise ModelError(str(error)) from None


@lru_cache(maxsize=1)
def _op_list(besides: frozenset[str]) -> OpList:
    return OpList(f"TensorFlow {tf.__version__}", _Registry(), besides)
