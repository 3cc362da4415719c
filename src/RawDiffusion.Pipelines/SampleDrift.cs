using System.Globalization;
using RawDiffusion.Images;

namespace RawDiffusion.Pipelines;

/// <summary>How far drawn images as a whole lie from the data: the first thing that a young network or a wrong sampler shows.</summary>
public static class SampleDrift
{
    /// <summary>One line for people: means and deviations of the images' channels beside those of the data.</summary>
    /// <param name="images">What was drawn.</param>
    /// <param name="data">What the model remembers of its data.</param>
    /// <returns>Null where the model does not know.</returns>
    public static string? Describe(SampledImages images, DatasetInfo? data)
    {
        if (data is not { ChannelMeans: { } dataMeans, ChannelDeviations: { } dataDeviations })
        {
            return null;
        }
        var (means, deviations) = ChannelStatistics.Of(Array.ConvertAll(images.Pixels, Image.ToByte), images.Channels);
        return $"channel means {Show(means)} (data {Show(dataMeans)}), deviations {Show(deviations)} (data {Show(dataDeviations)})";
    }

    private static string Show(IReadOnlyList<double> numbers) =>
        string.Join(" ", numbers.Select(number => number.ToString("0.00", CultureInfo.InvariantCulture).Replace("-", "−", StringComparison.Ordinal)));
}
