"""Refused: what does more than compute, or belongs to no graph that scores. The first family that has an op counts.

A pattern refuses what a later TensorFlow adds of a kind as well.
"""

from graphs.families.family import refused

KEEPS = "keeps what one call left there for the next"
FILES = "reads or writes files"
TRAINS = "belongs to training"
UNINITIALISED = "gives memory as others left it"

REFUSALS = (
    refused(
        FILES,
        r"Save(V2|Slices)?|Restore(V2|Slice)?|MergeV2Checkpoints|Distributed(Save|Restore)|DTensorRestore.*",
        r"(WholeFile|TextLine|TFRecord|LMDB|FixedLengthRecord|Identity)Reader.*|Reader(Read|Restore|Serialize|Reset|Num).*",
        r"InitializeTableFromTextFile.*|FileSystem.*",
        names="""
        CalibrationStatisticsSaver CustomAggregator GenerateVocabRemapping ImmutableConst LoadAndRemapMatrix
        MatchingFiles ReadFile RecordInput Skipgram WriteFile
        """,
    ),
    refused(
        "belongs to an input pipeline and may read files or sockets",
        r".*Dataset.*|.*Iterator.*|.*Snapshot(Chunk|Nested).*|.*ThreadPoolHandle|.*StatsAggregator(Handle.*|Summary)",
        names="""
        AnonymousMemoryCache AnonymousRandomSeedGenerator AnonymousSeedGenerator CompressElement ComputeBatchSize
        DeleteMemoryCache DeleteRandomSeedGenerator DeleteSeedGenerator DummyIterationCounter DummyMemoryCache
        DummySeedGenerator GetElementAtIndex GetOptions MapDefun UncompressElement WindowOp
        """,
    ),
    refused("calls Python", r".*PyFunc.*"),
    refused(
        "runs code that is not TensorFlow's own",
        r"XlaCustomCall.*|XlaCallModule|TRTEngineOp|CreateTRT.*|.*TfLite.*",
        names="MlirPassthroughOp RemoteFusedGraphExecute",
    ),
    refused(
        "prints or dumps tensors, to a stream, a file or an address",
        r"Print(V2)?|Debug.*|.*SummaryWriter|Write.*Summary|CreateSummary.*",
        names="Copy CopyHost DumpTensor ImportEvent",
    ),
    refused(
        "talks to other processes or hosts",
        r"Rpc.*|_?(Host)?(Send|Recv)|Collective.*|_?Nccl.*|DataService.*",
        names="DeleteRpcFutureResource RemoteCall WorkerHeartbeat",
    ),
    refused(
        "drives a TPU, which is a service of other processes",
        r".*TPU.*|.*Tpu.*|.*SparseCore.*|.*MinibatchStatistics.*|GetMinibatch.*|.*Dedup(Data|DataSize|DataTupleMask).*",
        r"(In|Out)feed.*|Prelinearize.*",
        names="AllToAll ConvertToCooTensor CrossReplicaSum GlobalIterId UpdateTaskIdAndGlobalCoreArray",
    ),
    refused("spreads a tensor over devices and hosts", r"DTensor.*|Relayout.*|CopyToMesh.*"),
    refused("is compiled by XLA, and does nothing without", r"_?Xla.*|AssignVariableXla.*|ReadVariableXla.*"),
    refused(UNINITIALISED, names="FakeParam"),  # and others, by their attributes: see conditions.py
    refused(
        KEEPS,
        r"Mutable(Dense)?HashTable.*|.*Queue(V2)?|Queue.*|Barrier.*|.*Accumulator.*|(Ordered)?(Map)?(Uns|S)tage.*",
        r"(Ordered)?Map(Clear|IncompleteSize|Peek|Size)|.*SessionHandle(V2)?|.*SessionTensor|.*Mutex.*|.*TensorsMap",
        r"Inplace.*|(Un)?[Bb]atch|UnbatchGrad|BatchFunction",  # these join what several calls have
        r"Stateful(Random|Standard|Truncated|Uniform).*|Rng(ReadAndSkip|Skip)",  # of a variable
        r"BoostedTrees(Create|Serialize|Deserialize|Get|Update|Flush|QuantileStream|Center).*|.*BoostedTreesEnsemble.*",
        r"BoostedTrees(Predict|TrainingPredict|ExampleDebugOutputs)|IsBoostedTrees.*",  # with a resource, as those
        names="DeepCopy DisableCopyOnRead LearnedUnigramCandidateSampler ThreadUnsafeUnigramCandidateSampler",
    ),
    refused(
        TRAINS,
        r"Sdca(Optimizer.*|ShrinkL1)|BoostedTrees(Aggregate|Calculate|Make|Sparse).*|CudnnRNNBackprop.*",
        names="KMC2ChainInitialization KmeansPlusPlusInitialization NegTrain",
    ),
    refused("ends the process, or makes it wait", names="Abort SleepIdentityOp SleepOp SyncDevice"),
    refused("is an experiment of TensorFlow's, and in no graph that it writes", r"Risc[A-Z].*"),
    refused(
        "TensorFlow has for its own tests",
        r"Attr(Bool|Default|EmptyListDefault|Enum|Float|List|Min|PartialShape|Shape|TypeDefault)?(List)?(Default|Min)?",
        r"(Int|Float|TwoInt|TwoFloat|RefInput|Ref|List|FiveFloat|Int64)(Int|Float|String|TwoFloat)?(In|Out)puts?(.*put)?",
        r"N(In|Ints|Polymorphic)[A-Z].*|(In)?Polymorphic.*|TypeList.*|OutT.*|Reserved(Attr|Input)|Foo\d|KernelLabel.*",
        r"(Namespace>)?Test[A-Z].*|OpWith.*Attr|Func(List)?Attr|Resource(Create|Initialized|Using)Op",
        names="""
        A AttrListTypeDefault B Binary ComplexStruct ConstructionFails CopyOp DefaultAttrs DevicePlacementOp
        DtypeWithDefaultOp Fact GetDeadline GraphDefVersion IntAttr IsResourceHandleRefCounting IsTensorFloat32Enabled
        MakeWeakResourceHandle MixedStruct None Old RefIn RefOut RequiresOlderGraphVersion Restrict Simple SimpleStruct
        StringListAttr StubResourceHandleOp TwoRefsIn Unary
        """,
    ),
    refused("TensorFlow writes for itself while it runs a graph", r"_.*"),
)

VARIABLE_WRITES = refused(
    KEEPS,
    r"Assign(Add|Sub)?(VariableOp)?|Resource(Sparse)?Apply.*|(Sparse)?Apply[A-Z].*",
    r"(Resource)?Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)|(Resource)?(CountUpTo|StridedSliceAssign)|DestroyResourceOp",
)
