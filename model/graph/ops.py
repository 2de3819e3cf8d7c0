"""What a graph from somewhere else may not do in a worker: the refused ops, and why. No TensorFlow here.

Three rules, so that an op nobody has thought of is refused as well:

1. an op that matches a group below is refused, whether TensorFlow calls it stateful or not (`ReadFile` is "stateless");
2. any other op that TensorFlow registers as stateful, that is, with effects beyond its outputs, is refused unless it is
   in `HARMLESS`;
3. an op that this TensorFlow does not have is refused (a custom one would need a library; `model.graph.frozen` asks).

What remains computes outputs from inputs. That bounds what a graph may touch, not how much time or memory it takes.
"""

import re
from typing import NamedTuple


class Group(NamedTuple):
    """Ops refused for one reason. `reason` completes the sentence "the op X, which ..."."""

    reason: str
    pattern: re.Pattern[str]  # of the whole op name


def _group(reason: str, *names: str) -> Group:
    return Group(reason, re.compile("|".join(names)))


REFUSED = (
    _group(
        "reads or writes files",
        r"ReadFile|WriteFile|MatchingFiles|FileSystemSetConfiguration|RecordInput|ImmutableConst",
        r"Save|SaveV2|SaveSlices|Restore|RestoreV2|RestoreSlice|MergeV2Checkpoints|Distributed(Save|Restore)|DTensorRestore.*",
        r"LoadAndRemapMatrix|GenerateVocabRemapping|InitializeTableFromTextFile.*|Skipgram|FixedUnigramCandidateSampler",
        r"(EncodeProto|DecodeProto).*",  # their descriptor_source may be a file
        r"(WholeFile|TextLine|TFRecord|LMDB|FixedLengthRecord|Identity)Reader.*|Reader(Read|Restore|Serialize|Reset|Num).*",
        r"CalibrationStatisticsSaver|CustomAggregator",
    ),
    _group(
        "belongs to an input pipeline and may read files or sockets",
        r".*Dataset.*|.*Iterator.*|.*Snapshot(Chunk|Nested).*",
    ),
    _group("calls Python", r"PyFunc.*|EagerPyFunc"),
    _group(
        "runs code that is not TensorFlow's own",
        r"XlaCustomCall.*|XlaCallModule|_?Xla(HostCompute|Launch|Run|Compile).*|TRTEngineOp|CreateTRT.*|MlirPassthroughOp",
        r".*TfLite.*|RemoteFusedGraphExecute|Abort",
    ),
    _group(
        "prints or dumps tensors, to a stream, a file or an address",
        r"Print|PrintV2|DumpTensor|Debug.*|Copy|CopyHost|.*SummaryWriter|Write.*Summary|SummaryWriter|CreateSummary.*|ImportEvent",
    ),
    _group(
        "talks to other processes or hosts",
        r"Rpc.*|RemoteCall|_?(Host)?(Send|Recv)|_Host(Send|Recv)|Collective.*|_?Nccl.*|DataService.*|WorkerHeartbeat",
        r".*TPU.*|.*Tpu.*",
    ),
)

HARMLESS = re.compile(
    r"(Stateful)?PartitionedCall|_?If|_?While|Case|Assert|CheckNumerics(V2)?|GuaranteeConst|Empty|Timestamp"
    r"|Random.*|Multinomial|TruncatedNormal|ParameterizedTruncatedNormal|SampleDistortedBoundingBox(V2)?"
    r"|StatelessRandomGetAlg|.*HashTable(OfTensors)?(V2)?|LookupTable.*|InitializeTable(V2)?"
    r"|TensorArray.*|Stack.*"
)

# They hold values outside the graph: `model freeze` turns them into constants.
VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable", "TemporaryVariable"})
_VARIABLE_USES = re.compile(r"_?ReadVariable.*|Assign.*|Resource.*|VarIsInitializedOp|VariableShape|DestroyResourceOp")


def refusal(op: str, *, is_stateful: bool) -> str | None:
    """Say why a worker refuses this op, as the end of "the op X, which ...", or return None if it accepts it.

    `is_stateful` is what TensorFlow's registry says of the op. Variables are no danger: they are the parser's business.
    """
    for group in REFUSED:
        if group.pattern.fullmatch(op):
            return group.reason
    if is_stateful and not (HARMLESS.fullmatch(op) or op in VARIABLES or _VARIABLE_USES.fullmatch(op)):
        return "keeps state outside the graph and is not known to be harmless"
    return None
