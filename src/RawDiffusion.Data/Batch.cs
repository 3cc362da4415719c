namespace RawDiffusion.Data;

/// <summary>Images and labels for one training step. The loader fills it again after the next call of <see cref="BatchLoader.Next"/>.</summary>
public sealed class Batch
{
    internal Batch(int count, int height, int width, int channels)
    {
        (Count, Height, Width, Channels) = (count, height, width, channels);
        (Pixels, Labels, Indices) = (new byte[(long)count * height * width * channels], new int[count], new int[count]);
    }

    /// <summary>Images (N).</summary>
    public int Count { get; }

    /// <summary>Rows of each image, padding included.</summary>
    public int Height { get; }

    /// <summary>Columns of each image, padding included.</summary>
    public int Width { get; }

    /// <summary>1 or 3.</summary>
    public int Channels { get; }

    /// <summary>The bytes [N, Height, Width, Channels].</summary>
    public byte[] Pixels { get; }

    /// <summary>The class of each image [N]; −1 in a set without labels.</summary>
    public int[] Labels { get; }

    /// <summary>The number of each image in its dataset [N].</summary>
    public int[] Indices { get; }

    /// <summary>The position of the batch's first image in the run's <see cref="SampleOrder"/>.</summary>
    public long Cursor { get; internal set; }
}
