namespace RawDiffusion.Images;

/// <summary>
/// Mean and standard deviation of each channel over all pixels, on the scale of the network, −1 for black to 1 for white: what first tells
/// drawn images from the data's when a network is young or a sampler wrong.
/// </summary>
/// <param name="Means">One for each channel.</param>
/// <param name="Deviations">One for each channel.</param>
public sealed record ChannelStatistics(IReadOnlyList<double> Means, IReadOnlyList<double> Deviations)
{
    /// <summary>Measures images.</summary>
    /// <param name="pixels">Bytes, the channels of a pixel side by side.</param>
    /// <param name="channels">1 or 3.</param>
    public static ChannelStatistics Of(ReadOnlySpan<byte> pixels, int channels)
    {
        var accumulator = new Accumulator(channels);
        accumulator.Add(pixels);
        return accumulator.Result();
    }

    /// <summary>Measures images that come one after the other, exactly: bytes are summed as integers.</summary>
    /// <param name="channels">1 or 3.</param>
    public sealed class Accumulator(int channels)
    {
        private readonly long[] _sums = new long[channels], _squares = new long[channels];
        private long _pixels;

        /// <summary>Takes more pixels in.</summary>
        /// <param name="pixels">Bytes, the channels of a pixel side by side.</param>
        public void Add(ReadOnlySpan<byte> pixels)
        {
            for (int i = 0; i < pixels.Length; i += channels)
            {
                for (int c = 0; c < channels; c++)
                {
                    int value = pixels[i + c];
                    _sums[c] += value;
                    _squares[c] += value * value;
                }
            }
            _pixels += pixels.Length / channels;
        }

        /// <summary>What was taken in so far; at least a pixel.</summary>
        public ChannelStatistics Result()
        {
            double[] means = new double[channels], deviations = new double[channels];
            for (int c = 0; c < channels; c++)
            {
                double mean = (double)_sums[c] / _pixels;
                means[c] = mean / 127.5 - 1;
                deviations[c] = Math.Sqrt(Math.Max(0, (double)_squares[c] / _pixels - mean * mean)) / 127.5;
            }
            return new ChannelStatistics(means, deviations);
        }
    }
}
