using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    // Sums over positions add this many rows in float32, then go on in double precision. The bands are the same however the work is shared.
    private const int RowsPerBand = 16;

    // The last channels of a band, where they do not fill a vector, are worked on in a copy of this many floats.
    private const int TileSize = RowsPerBand * Lanes.Count;

    // What one task should touch, so that its second pass finds the data of the first in the L2 cache.
    private const long BytesInCache = 1 << 20;

    /// <summary>What one task of <see cref="ForChannels"/> does: channels first..first+count of image n.</summary>
    private delegate void ChannelRange(int n, int first, int count, int worker);

    /// <summary>
    /// Splits a tensor [N, …, C] into images and these into ranges of whole groups that start at whole vectors, small enough for the L2 cache and
    /// enough for all workers, and calls <paramref name="body"/> for each.
    /// </summary>
    /// <param name="shape">The tensor.</param>
    /// <param name="group">Channels that must stay together.</param>
    /// <param name="arrays">How many arrays of this shape the task goes through.</param>
    /// <param name="body">The task.</param>
    private void ForChannels(Shape shape, int group, int arrays, ChannelRange body)
    {
        int channels = shape.C, width = ChannelsPerTask(shape, group, arrays), ranges = (channels + width - 1) / width;
        _workers.Run(shape.N * ranges, (task, worker) =>
        {
            int first = task % ranges * width;
            body(task / ranges, first, Math.Min(width, channels - first), worker);
        });
    }

    /// <summary>How many channels a task of <see cref="ForChannels"/> gets at the most.</summary>
    private int ChannelsPerTask(Shape shape, int group, int arrays)
    {
        int channels = shape.C;
        long unit = group * (long)Lanes.Count / Math.Min(group & -group, Lanes.Count); // the least common multiple of a group and a vector
        long inCache = BytesInCache / (sizeof(float) * (long)shape.Positions * arrays);
        long forAll = shape.N >= 2 * _workers.Count ? channels : (long)channels * shape.N / (2 * _workers.Count);
        return (int)Math.Min(channels, Math.Max(1, Math.Min(inCache, forAll) / unit) * unit);
    }

    /// <summary>A number of channels rounded up to whole vectors.</summary>
    private static long Padded(long channels) => (channels + Lanes.Count - 1) / Lanes.Count * Lanes.Count;
}
