"""What a graph computes when nobody says which nodes to fetch: the nodes that give something no other node takes."""

import re

from graphs.inputs import MAY_BE_FED
from graphs.messages import GraphDef, NodeDef
from graphs.rowless import rowless
from graphs.walk import inputs

# Ops that TensorFlow defines without an output, `tests/graphs` compares: they check, order, fill, write or send.
_GIVE_NOTHING = re.compile(
    r"NoOp|Assert|ControlTrigger|Abort|SleepOp|SyncDevice|ConsumeMutexLock|RngSkip|_?(Device)?Retval"
    r"|InitializeTable(V2|FromTextFile(V2)?|FromDataset)?|LookupTable(Insert|Remove|Import)(V2)?"
    r"|(TensorArray|Stack)Close(V[23])?|Queue(Enqueue|EnqueueMany|Close)(V2)?|Barrier(InsertMany|Close)"
    r"|(Ordered)?(Map)?Stage|((Ordered)?Map|Stage)Clear|Reader(Reset|RestoreState)(V2)?|(Make|Deserialize|Delete)Iterator"
    r"|Delete(MultiDeviceIterator|MemoryCache|SessionTensor|(Random)?SeedGenerator|RpcFutureResource)"
    r"|Assign(Add|Sub)?VariableOp|AssignVariableXlaConcatND|DestroyResourceOp|DisableCopyOnRead|Resource(Create|Using)Op"
    r"|Resource((Sparse)?Apply|Scatter).*|ResourceStridedSliceAssign|NegTrain|SdcaShrinkL1"
    r"|((Resource|Sparse)?Accumulator)(ApplyGradient|SetGlobalStep)"
    r"|Save(V2|Slices|Dataset)?|DistributedSave|MergeV2Checkpoints|(Experimental)?DatasetToTFRecord"
    r"|FileSystemSetConfiguration|CalibrationStatisticsSaver|StoreMinibatchStatisticsInFdo|PrintV2|DumpTensor|ImportEvent"
    r"|Write(File|.*Summary)|CreateSummary(Db|File)Writer|(Close|Flush)SummaryWriter|StatsAggregatorSetSummaryWriter"
    r"|BoostedTrees(Create(Ensemble|QuantileStreamResource)|DeserializeEnsemble|UpdateEnsemble(V2)?)"
    r"|BoostedTreesQuantileStreamResource(AddSummaries|Deserialize|Flush)|RpcServer(Register|Start)"
    r"|_?(Host|Xla)?Send|XlaSendToHost|_XlaSendFromHost(V2)?|_Nccl(Broadcast|Reduce)Send|(In|Out)feedEnqueue.*"
    r"|(Load|Enqueue|DynamicEnqueue|(Xla)?Send).*TPUEmbedding.*|(Configure|Finalize)TPUEmbedding|ConnectTPUEmbeddingHosts"
    r"|TPU(CompileSucceededAssert|ReplicateMetadata|ReshardVariables)|_?ShutdownDistributedTPU|UpdateTaskIdAndGlobalCoreArray"
    r"|_SetGlobalTPUArray|DTensorSetGlobalTPUArray"
)
# What these give is in an attribute of theirs, which may be empty: a function called for its checks alone.
_GIVE_A_LIST = {
    **dict.fromkeys(("PartitionedCall", "StatefulPartitionedCall", "RemoteCall", "If", "_If", "StatelessIf"), "Tout"),
    **dict.fromkeys(("Case", "StatelessCase", "PyFunc", "PyFuncStateless", "EagerPyFunc"), "Tout"),
    **dict.fromkeys(("While", "_While", "StatelessWhile", "For"), "T"),
}
_GUARD = "AssertGuard/"  # the branch that tf.debugging.assert_* builds around an Assert


def terminal(graph_def: GraphDef) -> list[str]:
    """The names of the nodes that give something and that no other consumes, as data or as control, in graph order.

    Of each it is the first output that counts. Inputs, constants and checks are left out, and unless there is nothing
    else, so is what surely has no row a record.
    """
    consumed = {source for sources in inputs(graph_def).values() for source in sources}
    functions = {
        function.signature.name: bool(function.signature.output_arg) for function in graph_def.library.function
    }
    found = [
        node.name
        for node in graph_def.node
        if node.name not in consumed
        and node.op not in MAY_BE_FED
        and node.op != "Const"
        and _GUARD not in node.name
        and _gives(node, functions)
    ]
    is_rowless = rowless(graph_def)
    return [name for name in found if not is_rowless(name)] or found


def _gives(node: NodeDef, functions: dict[str, bool]) -> bool:
    """Whether a node has an output. `functions` says it of those in the library, which may be called by their names."""
    if node.op in functions:
        return functions[node.op]
    if node.op in _GIVE_A_LIST:
        types = _GIVE_A_LIST[node.op]
        return types not in node.attr or len(node.attr[types].list.type) > 0
    return not gives_nothing(node.op)


def gives_nothing(op: str) -> bool:
    """Whether TensorFlow defines the op without an output."""
    return _GIVE_NOTHING.fullmatch(op) is not None
