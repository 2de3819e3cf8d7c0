"""Accepted: what moves values about, makes tensors of several kinds of them, and decides what is computed."""

from graphs.families.family import accepted

TENSORS = (
    accepted(
        "constants, inputs, and what hands a tensor on",
        """
        CheckPinned Const EnsureShape HostConst Identity IdentityN NoOp OnesLike Placeholder PlaceholderV2
        PlaceholderWithDefault PreventGradient Snapshot StopGradient ZerosLike
        """,
    ),
    accepted(
        "shapes and layout",
        """
        BatchToSpace BatchToSpaceND BroadcastArgs BroadcastGradientArgs BroadcastTo Concat ConcatOffset ConcatV2
        ConjugateTranspose DataFormatDimMap DataFormatVecPermute DepthToSpace ExpandDims Fill InvertPermutation LinSpace
        MirrorPad MirrorPadGrad OneHot Pack Pad PadV2 ParallelConcat Range Rank Reshape Reverse ReverseSequence
        ReverseV2 Roll Shape ShapeN Size Slice SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze
        StridedSlice StridedSliceGrad Tile TileGrad Transpose UnravelIndex Unpack
        """,
    ),
    accepted("casts", "Bitcast Cast"),
    accepted(
        "gathers and scatters",
        """
        DynamicPartition DynamicStitch Gather GatherNd GatherV2 ParallelDynamicStitch ScatterNd ScatterNdNonAliasingAdd
        TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate
        """,
    ),
    accepted(
        "sparse tensors",
        """
        DenseCountSparseOutput DeserializeManySparse DeserializeSparse SerializeManySparse SerializeSparse SparseAdd
        SparseAddGrad SparseBincount SparseConcat SparseCountSparseOutput SparseCross SparseCrossHashed SparseCrossV2
        SparseDenseCwiseAdd SparseDenseCwiseDiv SparseDenseCwiseMul SparseFillEmptyRows SparseFillEmptyRowsGrad
        SparseMatMul SparseReduceMax SparseReduceMaxSparse SparseReduceSum SparseReduceSumSparse SparseReorder
        SparseReshape SparseSegmentMean SparseSegmentMeanGrad SparseSegmentMeanGradV2
        SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNGrad SparseSegmentSqrtNGradV2
        SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumGrad SparseSegmentSumGradV2
        SparseSegmentSumWithNumSegments SparseSlice SparseSliceGrad SparseSoftmax SparseSparseMaximum
        SparseSparseMinimum SparseSplit SparseTensorDenseAdd SparseTensorDenseMatMul SparseToDense
        """,
    ),
    accepted(
        "sparse matrices",
        """
        CSRSparseMatrixComponents CSRSparseMatrixToDense CSRSparseMatrixToSparseTensor DenseToCSRSparseMatrix
        SparseMatrixAdd SparseMatrixMatMul SparseMatrixMul SparseMatrixNNZ SparseMatrixOrderingAMD SparseMatrixSoftmax
        SparseMatrixSoftmaxGrad SparseMatrixSparseCholesky SparseMatrixSparseMatMul SparseMatrixTranspose
        SparseMatrixZeros SparseTensorToCSRSparseMatrix
        """,
    ),
    accepted(
        "ragged tensors",
        """
        RaggedBincount RaggedCountSparseOutput RaggedCross RaggedFillEmptyRows RaggedFillEmptyRowsGrad RaggedGather
        RaggedRange RaggedTensorFromVariant RaggedTensorToSparse RaggedTensorToTensor RaggedTensorToVariant
        RaggedTensorToVariantGradient
        """,
    ),
    accepted(
        "lists, maps and other values of several tensors, which are handed from op to op",
        """
        CompositeTensorVariantFromComponents CompositeTensorVariantToComponents EmptyTensorList EmptyTensorMap
        OptionalFromValue OptionalGetValue OptionalHasValue OptionalNone TensorListConcat TensorListConcatLists
        TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
        TensorListLength TensorListPopBack TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize
        TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit
        TensorListStack TensorMapErase TensorMapHasKey TensorMapInsert TensorMapLookup TensorMapSize TensorMapStackKeys
        """,
    ),
    accepted(
        "branches and loops of TensorFlow 1",
        "ControlTrigger Enter Exit LoopCond Merge NextIteration Switch",
    ),
    accepted(  # the functions that they call are looked at like the graph itself
        "calls, branches and loops of TensorFlow 2",
        "For PartitionedCall StatelessCase StatelessIf StatelessWhile SymbolicGradient",
    ),
)
