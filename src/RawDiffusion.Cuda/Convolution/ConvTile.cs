namespace RawDiffusion.Cuda;

/// <summary>The part of a product that a block computes.</summary>
/// <param name="M">Rows.</param>
/// <param name="N">Columns.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="BlocksPerMultiprocessor">Blocks that a multiprocessor holds at once, as the kernels' launch bounds say.</param>
internal sealed record ConvTile(int M, int N, int Threads, int BlocksPerMultiprocessor)
{
    /// <summary>For all large products: the most sums per byte read.</summary>
    public static ConvTile Large { get; } = new(128, 128, 256, 2);

    /// <summary>For products that give the GPU too few large ones.</summary>
    public static ConvTile Small { get; } = new(64, 64, 128, 4);

    /// <summary>For few columns: a convolution to an image's channels.</summary>
    public static ConvTile Narrow { get; } = new(128, 32, 128, 4);

    /// <summary>For few rows: such a convolution's weights.</summary>
    public static ConvTile Flat { get; } = new(32, 128, 128, 4);

    /// <summary>The most rows of any.</summary>
    public static int MostRows { get; } = Math.Max(Math.Max(Large.M, Small.M), Math.Max(Narrow.M, Flat.M));

    /// <summary>How many cover a result of m by n.</summary>
    public int Count(int m, int n) => checked((m + M - 1) / M * ((n + N - 1) / N));

    /// <inheritdoc/>
    public override string ToString() => $"{M}x{N}";
}
