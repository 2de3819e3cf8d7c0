"""What a graph from somewhere else may not do in a worker: the refused ops, and why. No TensorFlow here.

Four rules, so that an op nobody has thought of is refused as well:

1. an op that matches a group below is refused, whether TensorFlow calls it stateful or not (`ReadFile` is "stateless");
2. any other op that TensorFlow registers as stateful, that is, with effects beyond its outputs, is refused unless it is
   in `HARMLESS`: what it keeps ends with the call, or is the same in every call;
3. so is one that takes or gives a reference, through which a value may be changed that outlives the call;
4. an op that the worker's TensorFlow does not have is refused (a custom one would need a library).

`graphs.verdict` applies them to a graph: rules 2 to 4 need the list of ops that a TensorFlow has.

What remains computes outputs from the inputs of one call: no record leaves anything for the next. That bounds what a
graph may touch, not how much time or memory it takes.
"""

import hashlib
import re
from typing import NamedTuple


class Group(NamedTuple):
    """Ops refused for one reason. `reason` completes the sentence "the op X, which ..."."""

    reason: str
    pattern: re.Pattern[str]  # of the whole op name


def _group(reason: str, *names: str) -> Group:
    return Group(reason, re.compile("|".join(names)))


_KEEPS = "keeps what one call left there for the next"

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
    _group(
        _KEEPS,
        r"Mutable(Dense)?HashTable.*|.*Queue(V2)?|Queue.*|Barrier.*|.*Accumulator.*|(Ordered)?(Map)?(Uns|S)tage.*",
        r"Inplace.*",  # a constant that is overwritten in place stays so
        r"Empty",  # memory as others left it, unless its attribute `init` is set
        r"(Un)?[Bb]atch|UnbatchGrad|BatchFunction",  # they join what several calls have
    ),
)

# Two calls with the same records differ.
RANDOM = re.compile(
    r"Random(Crop|Gamma|Poisson(V2)?|Shuffle|StandardNormal|Uniform(Int)?)|Multinomial|TruncatedNormal"
    r"|ParameterizedTruncatedNormal|SampleDistortedBoundingBox(V2)?"
)
CLOCK = re.compile(r"Timestamp")

HARMLESS = re.compile(
    r"(Stateful)?PartitionedCall|_?If|_?While|Case|Assert|CheckNumerics(V2)?|GuaranteeConst|StatelessRandomGetAlg"
    rf"|{RANDOM.pattern}|{CLOCK.pattern}"
    # Filled once, for all calls (`graphs.tables` sees that it is not by records), or gone with the call.
    r"|HashTable(V2)?|Anonymous(Mutable(Dense)?)?HashTable(OfTensors)?"
    r"|LookupTable(Find|Size|Export|Insert|Remove|Import)(V2)?|InitializeTable(V2)?"
    r"|TensorArray.*|Stack(Push|Pop|Close)?(V2)?"
    # They hand a reference on, and change nothing.
    r"|Ref(Switch|Merge|Enter|Exit|NextIteration|Identity|Select)|IsVariableInitialized"
)

# They call the function of their attribute `f`; their inputs are its arguments.
CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})

# They write into the table that is their first input.
TABLE_WRITES = re.compile(r"InitializeTable(V2)?|LookupTable(Insert|Remove|Import)(V2)?")

# They fill it, once: a session runs them before all else.
TABLE_FILLS = re.compile(r"InitializeTable(V2)?|LookupTableImport(V2)?")

# They hold values outside the graph: `model freeze` turns them into constants.
VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable", "TemporaryVariable"})
_VARIABLE_READS = re.compile(
    r"_?ReadVariable.*|ResourceGather(Nd)?|VarIsInitializedOp|VariableShape|DestroyTemporaryVariable"
)
_VARIABLE_WRITES = re.compile(
    r"Assign.*|Resource(Sparse)?Apply.*|(Resource)?Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)|(Sparse)?Apply.*"
    r"|(Resource)?CountUpTo|(Resource)?StridedSliceAssign|DestroyResourceOp"
)


def refusal(op: str, *, is_stateful: bool, has_references: bool = False, to_freeze: bool = False) -> str | None:
    """Say why a worker refuses this op, as the end of "the op X, which ...", or return None if it accepts it.

    `is_stateful` is what TensorFlow's registry says of the op, `has_references` whether an input or output of it is a
    reference. Variables that are read are no danger: they are the parser's business. Nor are those that are written, if
    the graph is yet `to_freeze`: that is training, and is left behind.
    """
    if _VARIABLE_WRITES.fullmatch(op):
        return None if to_freeze else _KEEPS
    for group in REFUSED:
        if group.pattern.fullmatch(op):
            return group.reason
    if HARMLESS.fullmatch(op) or op in VARIABLES or _VARIABLE_READS.fullmatch(op):
        return None
    if is_stateful:
        return "keeps state outside the graph and is not known to be harmless"
    if has_references:
        return "may change what stays from one call to the next, and is not known to be harmless"
    return None


def rules_digest() -> str:
    """The sha256, in hexadecimal, of the names and patterns above: with other ones a graph may be judged otherwise."""
    patterns = [(group.reason, group.pattern.pattern) for group in REFUSED]
    others = [each.pattern for each in (HARMLESS, TABLE_WRITES, _VARIABLE_READS, _VARIABLE_WRITES)]
    return hashlib.sha256(repr((patterns, others, sorted(VARIABLES))).encode()).hexdigest()
