using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>What a data set's images look like as a whole.</summary>
public static class DatasetStatistics
{
    /// <summary>Mean and deviation of each channel, over at most <paramref name="most"/> images spread evenly over the set.</summary>
    /// <param name="data">The images.</param>
    /// <param name="most">How many images to read; a few thousand tell both to a hundredth.</param>
    /// <exception cref="Core.DataException">An image could not be read.</exception>
    public static ChannelStatistics Channels(IDataset data, int most = 4096)
    {
        int count = Math.Min(most, data.Count);
        var accumulator = new ChannelStatistics.Accumulator(data.Channels);
        byte[] image = new byte[data.Height * data.Width * data.Channels];
        for (int i = 0; i < count; i++)
        {
            data.Read((int)((long)i * data.Count / count), image);
            accumulator.Add(image);
        }
        return accumulator.Result();
    }
}
