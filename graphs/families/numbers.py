"""Accepted: what computes numbers from numbers."""

from graphs.families.family import accepted

NUMBERS = (
    accepted(
        "arithmetic",
        """
        Abs AccumulateNV2 Add AddN AddV2 Angle Ceil ClipByValue Complex ComplexAbs Conj Cross Div DivNoNan Floor
        FloorDiv FloorMod Imag Inv InvGrad L2Loss Maximum Minimum Mod Mul MulNoNan Neg NextAfter Pow Real RealDiv
        Reciprocal ReciprocalGrad Rint Round Rsqrt RsqrtGrad Sign Sqrt SqrtGrad Square SquaredDifference Sub
        TruncateDiv TruncateMod Xdivy Xlog1py Xlogy
        """,
    ),
    accepted(
        "functions of a number",
        """
        Acos Acosh Asin Asinh Atan Atan2 Atanh BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0
        BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Betainc Cos Cosh Dawsn Digamma Erf Erfc Erfinv Exp Expint Expm1
        FresnelCos FresnelSin Igamma IgammaGradA Igammac Lgamma Log Log1p Ndtri Polygamma RandomGammaGrad Sigmoid
        SigmoidGrad Sin Sinh Spence Tan Tanh TanhGrad Zeta
        """,
    ),
    accepted(
        "comparison and logic",
        """
        All Any ApproximateEqual Equal Greater GreaterEqual IsFinite IsInf IsNan Less LessEqual LogicalAnd LogicalNot
        LogicalOr NotEqual Select SelectV2 ToBool Where
        """,
    ),
    accepted("bitwise", "BitwiseAnd BitwiseOr BitwiseXor Invert LeftShift PopulationCount RightShift"),
    accepted(
        "reductions and scans",
        """
        ArgMax ArgMin Bincount Cumprod Cumsum CumulativeLogsumexp DenseBincount EuclideanNorm HistogramFixedWidth Max
        Mean Min Prod Sum
        """,
    ),
    accepted(
        "segments",
        """
        SegmentMax SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentProdV2 SegmentSum SegmentSumV2
        UnsortedSegmentJoin UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
        """,
    ),
    accepted(
        "sorting and searching",
        """
        ApproxTopK Bucketize InTopK InTopKV2 IsotonicRegression KthOrderStatistic LowerBound MakeUnique NearestNeighbors
        NthElement TopK TopKUnique TopKV2 TopKWithUnique UpperBound BoostedTreesBucketize
        """,
    ),
    accepted(
        "sets",
        """
        DenseToDenseSetOperation DenseToSparseSetOperation ListDiff SetSize SparseToSparseSetOperation Unique UniqueV2
        UniqueWithCounts UniqueWithCountsV2
        """,
    ),
    accepted(
        "linear algebra",
        """
        BandedTriangularSolve BatchCholesky BatchCholeskyGrad BatchMatMul BatchMatMulV2 BatchMatMulV3
        BatchMatrixBandPart BatchMatrixDeterminant BatchMatrixDiag BatchMatrixDiagPart BatchMatrixInverse
        BatchMatrixSetDiag BatchMatrixSolve BatchMatrixSolveLs BatchMatrixTriangularSolve BatchSelfAdjointEig
        BatchSelfAdjointEigV2 BatchSvd Cholesky CholeskyGrad Diag DiagPart Eig Einsum LogMatrixDeterminant Lu MatMul
        MatrixBandPart MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
        MatrixDiagV3 MatrixExponential MatrixInverse MatrixLogarithm MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3
        MatrixSolve MatrixSolveLs MatrixSquareRoot MatrixTriangularSolve Qr SelfAdjointEig SelfAdjointEigV2 Svd
        TridiagonalMatMul TridiagonalSolve
        """,
    ),
    accepted(
        "Fourier transforms",
        """
        BatchFFT BatchFFT2D BatchFFT3D BatchIFFT BatchIFFT2D BatchIFFT3D FFT FFT2D FFT3D FFTND IFFT IFFT2D IFFT3D IFFTND
        IRFFT IRFFT2D IRFFT3D IRFFTND RFFT RFFT2D RFFT3D RFFTND
        """,
    ),
    accepted(
        "quantised numbers",
        """
        Dequantize FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient FakeQuantWithMinMaxVars
        FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannel FakeQuantWithMinMaxVarsPerChannelGradient
        QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
        QuantizeAndDequantizeV4Grad QuantizeDownAndShrinkRange QuantizeV2 QuantizedAdd QuantizedAvgPool
        QuantizedBatchNormWithGlobalNormalization QuantizedBiasAdd QuantizedConcat QuantizedConcatV2 QuantizedConv2D
        QuantizedConv2DAndRelu QuantizedConv2DAndReluAndRequantize QuantizedConv2DAndRequantize
        QuantizedConv2DPerChannel QuantizedConv2DWithBias QuantizedConv2DWithBiasAndRelu
        QuantizedConv2DWithBiasAndReluAndRequantize QuantizedConv2DWithBiasAndRequantize
        QuantizedConv2DWithBiasSignedSumAndReluAndRequantize QuantizedConv2DWithBiasSumAndRelu
        QuantizedConv2DWithBiasSumAndReluAndRequantize QuantizedDepthwiseConv2D QuantizedDepthwiseConv2DWithBias
        QuantizedDepthwiseConv2DWithBiasAndRelu QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize
        QuantizedInstanceNorm QuantizedMatMul QuantizedMatMulWithBias QuantizedMatMulWithBiasAndDequantize
        QuantizedMatMulWithBiasAndRelu QuantizedMatMulWithBiasAndReluAndRequantize
        QuantizedMatMulWithBiasAndRequantize QuantizedMaxPool QuantizedMul QuantizedRelu QuantizedRelu6 QuantizedReluX
        QuantizedReshape QuantizedResizeBilinear RequantizationRange RequantizationRangePerChannel Requantize
        RequantizePerChannel UniformDequantize UniformQuantize UniformQuantizedAdd UniformQuantizedClipByValue
        UniformQuantizedConvolution UniformQuantizedConvolutionHybrid UniformQuantizedDot UniformQuantizedDotHybrid
        UniformRequantize
        """,
    ),
    accepted(
        "random numbers that follow from a seed among the inputs",
        """
        RandomIndexShuffle SobolSample StatelessMultinomial StatelessParameterizedTruncatedNormal
        StatelessRandomBinomial StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomGetKeyCounter
        StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomPoisson
        StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
        StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessSampleDistortedBoundingBox StatelessShuffle
        StatelessTruncatedNormal StatelessTruncatedNormalV2 StochasticCastToInt
        """,
    ),
)
