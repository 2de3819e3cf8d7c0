"""Accepted by name, though TensorFlow calls them stateful or hands them references: what they keep ends with the call,
or is the same in every call. With variables it is otherwise: those are read, and no frozen graph has one."""

from graphs.families.family import accepted

CALLS = accepted(  # the functions that they call are looked at like the graph itself
    "calls, branches and loops", "Case If StatefulPartitionedCall While _If _SwitchN _While"
)
CHECKS = accepted("checks", "Assert CheckNumerics CheckNumericsV2")
PLACED = accepted(  # which depends on the device, not on a call
    "constants of a run", "DeviceIndex GuaranteeConst StatelessRandomGetAlg"
)
# Two calls with the same records differ.
RANDOM = accepted(
    "random numbers",
    """
    AllCandidateSampler FixedUnigramCandidateSampler LogUniformCandidateSampler Multinomial NonDeterministicInts
    ParameterizedTruncatedNormal RandomCrop RandomGamma RandomPoisson RandomPoissonV2 RandomShuffle
    RandomStandardNormal RandomUniform RandomUniformInt SampleDistortedBoundingBox SampleDistortedBoundingBoxV2
    TruncatedNormal UniformCandidateSampler
    """,
)
CLOCK = accepted("the time of day", "Timestamp")
EMPTY = accepted("memory, set to zeros", "Empty")  # by its attribute: see conditions.py
RECURRENT = accepted("recurrent networks on a GPU", "CudnnRNN CudnnRNNV2 CudnnRNNV3")  # random only with dropout
TABLES = accepted(  # filled once, for all calls (`graphs.tables` sees that it is not by records), or gone with the call
    "lookup tables",
    """
    AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable AnonymousMutableHashTableOfTensors
    HashTable HashTableV2 InitializeTable InitializeTableV2 LookupTableExport LookupTableExportV2 LookupTableFind
    LookupTableFindV2 LookupTableImport LookupTableImportV2 LookupTableInsert LookupTableInsertV2 LookupTableRemoveV2
    LookupTableSize LookupTableSizeV2
    """,
)
ARRAYS = accepted(  # of one call
    "arrays and stacks",
    """
    Stack StackClose StackCloseV2 StackPop StackPopV2 StackPush StackPushV2 StackV2 TensorArray TensorArrayClose
    TensorArrayCloseV2 TensorArrayCloseV3 TensorArrayConcat TensorArrayConcatV2 TensorArrayConcatV3 TensorArrayGather
    TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayGrad TensorArrayGradV2 TensorArrayGradV3 TensorArrayGradWithShape
    TensorArrayPack TensorArrayRead TensorArrayReadV2 TensorArrayReadV3 TensorArrayScatter TensorArrayScatterV2
    TensorArrayScatterV3 TensorArraySize TensorArraySizeV2 TensorArraySizeV3 TensorArraySplit TensorArraySplitV2
    TensorArraySplitV3 TensorArrayUnpack TensorArrayV2 TensorArrayV3 TensorArrayWrite TensorArrayWriteV2
    TensorArrayWriteV3
    """,
)
REFERENCES = accepted(  # handed on, and nothing is changed
    "references", "RefEnter RefExit RefIdentity RefMerge RefNextIteration RefSelect RefSwitch"
)
VARIABLES = accepted(  # that are held outside the graph: `model freeze` turns them into constants
    "variables", "AutoReloadVariable TemporaryVariable VarHandleOp Variable VariableV2"
)
VARIABLE_READS = accepted(
    "reading variables",
    "DestroyTemporaryVariable IsVariableInitialized ReadVariableOp ResourceGather ResourceGatherNd VarIsInitializedOp"
    " VariableShape",
)

STATEFUL = (
    CALLS, CHECKS, PLACED, RANDOM, CLOCK, EMPTY, RECURRENT, TABLES, ARRAYS, REFERENCES, VARIABLES, VARIABLE_READS,
)  # fmt: skip
