namespace RawDiffusion.Images;

/// <summary>The course of values that scatter.</summary>
internal static class RunningMean
{
    private const int FewestValues = 8;

    /// <summary>
    /// Two passes of a centred box over a fiftieth of the values each, which is close to a Gaussian. Towards both ends the box is narrower but
    /// stays centred, since a loss falls steeply at its beginning.
    /// </summary>
    public static double[] Of(double[] values)
    {
        int reach = Math.Max(1, values.Length / 100);
        return values.Length < FewestValues ? values : Box(Box(values, reach), reach);
    }

    private static double[] Box(double[] values, int reach)
    {
        double[] sums = new double[values.Length + 1];
        for (int i = 0; i < values.Length; i++)
        {
            sums[i + 1] = sums[i] + values[i];
        }
        double[] means = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int before = Math.Min(reach, i), after = Math.Min(before, values.Length - 1 - i);
            means[i] = (sums[i + after + 1] - sums[i - before]) / (before + after + 1);
        }
        return means;
    }
}
