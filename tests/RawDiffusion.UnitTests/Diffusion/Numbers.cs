namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>Comparison of numbers and of whole tensors within a relative tolerance.</summary>
internal static class Numbers
{
    public static void AssertClose(double expected, double actual, double relative) =>
        Assert.True(Math.Abs(actual - expected) <= relative * Math.Abs(expected), $"expected {expected:R}, found {actual:R}");

    /// <summary>The largest difference, relative to the largest expected magnitude.</summary>
    public static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double relative)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = 0, difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(double.IsFinite(actual[i]), $"element {i} is {actual[i]}");
            largest = Math.Max(largest, Math.Abs(expected[i]));
            difference = Math.Max(difference, Math.Abs(expected[i] - actual[i]));
        }
        Assert.True(difference <= relative * largest, $"differs by {difference:E2} where the largest magnitude is {largest:E2}");
    }

    public static bool Near(double expected, double actual, double relative = 1e-9, double absolute = 1e-12) =>
        Math.Abs(actual - expected) <= absolute + relative * Math.Abs(expected);
}
