"""The ops that this process's TensorFlow has, for the verdict on a graph."""

from functools import lru_cache

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session  # no public API lists the ops, or says which are stateful

from graphs.verdict import OpList, Traits


@lru_cache(maxsize=1)
def op_list() -> OpList:
    """All ops that are registered when it is first asked for; 1,900 of them, in some 30 ms."""
    listed = op_def_pb2.OpList()
    listed.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    traits = {}
    for op in listed.op:
        has_references = any(argument.is_ref for argument in [*op.input_arg, *op.output_arg])
        traits[op.name] = Traits(op.is_stateful, has_references)
    return OpList(f"TensorFlow {tf.__version__}", traits)
