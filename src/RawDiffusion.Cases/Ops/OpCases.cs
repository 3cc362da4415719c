namespace RawDiffusion.Cases;

/// <summary>The cases of every op.</summary>
public static class OpCases
{
    /// <summary>Every case, by op.</summary>
    public static IReadOnlyList<OpCase> All { get; } =
    [
        .. MemoryCases.All,
        .. SiluCases.All,
        .. LinearCombinationCases.All,
        .. DropoutCases.All,
        .. GroupNormCases.All,
        .. Conv2dCases.All,
        .. SumPositionsCases.All,
        .. LinearCases.All,
        .. AttentionCases.All,
        .. ConcatChannelsCases.All,
        .. SplitChannelsCases.All,
        .. UpsampleNearestCases.All,
        .. EmbeddingCases.All,
        .. TimestepEmbeddingCases.All,
        .. MeanSquaredErrorCases.All,
        .. GaussianBoundCases.All,
        .. FillNormalCases.All,
        .. AddNoiseCases.All,
        .. DenoiseUpdateCases.All,
        .. EstimateX0Cases.All,
        .. WeightedSumCases.All,
        .. BlendCases.All,
        .. AddNoiseToPixelsCases.All,
        .. SumOfSquaresCases.All,
        .. AdamStepCases.All,
    ];

    /// <summary>The case of a full name.</summary>
    public static OpCase Named(string fullName) => All.Single(c => c.FullName == fullName);
}
