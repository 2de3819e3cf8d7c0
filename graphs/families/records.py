"""Accepted: neural networks, and what makes numbers of texts, pictures, sounds and records."""

from graphs.families.family import accepted

RECORDS = (
    accepted(
        "activations, losses and normalisation",
        """
        BatchNormWithGlobalNormalization BatchNormWithGlobalNormalizationGrad BiasAdd BiasAddGrad BiasAddV1
        CTCBeamSearchDecoder CTCGreedyDecoder CTCLoss CTCLossV2 ComputeAccidentalHits Elu EluGrad FusedBatchNorm
        FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 FusedBatchNormV2 FusedBatchNormV3 LRN LRNGrad
        LeakyRelu LeakyReluGrad LogSoftmax Relu Relu6 Relu6Grad ReluGrad Selu SeluGrad Softmax
        SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign SoftsignGrad SparseSoftmaxCrossEntropyWithLogits
        """,
    ),
    accepted(
        "convolution",
        """
        Conv Conv2D Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D
        Conv3DBackpropFilter Conv3DBackpropFilterV2 Conv3DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNative
        DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput Dilation2D Dilation2DBackpropFilter
        Dilation2DBackpropInput FusedPadConv2D FusedResizeAndPadConv2D
        """,
    ),
    accepted(
        "pooling",
        """
        AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad FractionalAvgPool FractionalAvgPoolGrad FractionalMaxPool
        FractionalMaxPoolGrad MaxPool MaxPool3D MaxPool3DGrad MaxPool3DGradGrad MaxPoolGrad MaxPoolGradGrad
        MaxPoolGradGradV2 MaxPoolGradGradWithArgmax MaxPoolGradV2 MaxPoolGradWithArgmax MaxPoolV2 MaxPoolWithArgmax
        """,
    ),
    accepted(
        "recurrent cells",
        """
        BlockLSTM BlockLSTMGrad BlockLSTMGradV2 BlockLSTMV2 CudnnRNNCanonicalToParams CudnnRNNCanonicalToParamsV2
        CudnnRNNParamsSize CudnnRNNParamsToCanonical CudnnRNNParamsToCanonicalV2 GRUBlockCell GRUBlockCellGrad
        LSTMBlockCell LSTMBlockCellGrad
        """,
    ),
    accepted(  # as TensorFlow's own optimiser leaves them in a graph that was saved behind it
        "several ops in one, as Grappler writes them",
        """
        _FusedBatchNormEx _FusedConv2D _FusedDepthwiseConv2dNative _FusedMatMul _TensorToHashBucketFast
        _UnaryOpsComposition
        """,
    ),
    accepted(
        "pictures",
        """
        AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize
        CropAndResizeGradBoxes CropAndResizeGradImage DrawBoundingBoxes DrawBoundingBoxesV2 ExtractGlimpse
        ExtractGlimpseV2 ExtractImagePatches ExtractVolumePatches GenerateBoundingBoxProposals HSVToRGB
        ImageProjectiveTransformV2 ImageProjectiveTransformV3 NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3
        NonMaxSuppressionV4 NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps RGBToHSV ResizeArea ResizeBicubic
        ResizeBicubicGrad ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor ResizeNearestNeighborGrad
        ScaleAndTranslate ScaleAndTranslateGrad
        """,
    ),
    accepted(  # of bytes that they are given; they open nothing
        "pictures and sounds from bytes, and to bytes",
        """
        DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodeJxl DecodePng DecodeWav DecodeWebP EncodeJpeg
        EncodeJpegVariableQuality EncodePng EncodeWav ExtractJpegShape
        """,
    ),
    accepted("sounds", "AudioMicrofrontend AudioSpectrogram Mfcc"),
    accepted(
        "strings",
        """
        AsString EditDistance Fingerprint ReduceJoin SdcaFprint ShardedFilename ShardedFilespec StringFormat StringJoin
        StringLength StringLower StringNGrams StringSplit StringSplitV2 StringStrip StringToHashBucket
        StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode
        UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript UnicodeTranscode
        """,
    ),
    accepted("regular expressions", "RegexFullMatch RegexReplace StaticRegexFullMatch StaticRegexReplace"),
    accepted(
        "records and numbers from bytes, and to bytes",
        """
        DecodeBase64 DecodeCSV DecodeCompressed DecodeJSONExample DecodePaddedRaw DecodeProtoV2 DecodeRaw EncodeBase64
        EncodeProto ParseExample ParseExampleV2 ParseSequenceExample ParseSequenceExampleV2 ParseSingleExample
        ParseSingleSequenceExample ParseTensor SerializeTensor
        """,
    ),
    accepted(  # they give bytes; what writes them is refused
        "summaries as bytes",
        """
        AudioSummary AudioSummaryV2 HistogramSummary ImageSummary MergeSummary ScalarSummary TensorSummary
        TensorSummaryV2
        """,
    ),
)
