namespace RawDiffusion.Cuda;

/// <summary>
/// How the convolution kernels cut up a product: into tiles of the result, one or more blocks each, and, where those are too few for the GPU,
/// the summed extent into parts that are added up afterwards. It follows from extents and GPU alone, so that results repeat their bits.
/// </summary>
/// <param name="Tile">The kernel's tile.</param>
/// <param name="Tiles">How many tiles cover the result.</param>
/// <param name="Parts">Into how many parts the sums are cut.</param>
/// <param name="StepsPerPart">How many steps of <see cref="Depth"/> products a part has.</param>
internal readonly record struct ConvSplit(ConvTile Tile, int Tiles, int Parts, int StepsPerPart)
{
    /// <summary>Products that a kernel adds up between two barriers.</summary>
    private const int Depth = 16;

    // Fewer do not pay for filling the buffers and for the parts' way through memory.
    private const int FewestStepsPerPart = 8;

    /// <summary>The split for a result of m by n whose elements are sums of `depth` products.</summary>
    public static ConvSplit For(int m, int n, int depth, int multiprocessors)
    {
        int steps = (depth + Depth - 1) / Depth, mostParts = Math.Max(1, steps / FewestStepsPerPart);
        var tile = n <= ConvTile.Narrow.N ? ConvTile.Narrow
            : m <= ConvTile.Flat.M ? ConvTile.Flat
            : (long)ConvTile.Large.Count(m, n) * mostParts >= ConvTile.Large.BlocksPerMultiprocessor * multiprocessors ? ConvTile.Large
            : ConvTile.Small;
        int tiles = tile.Count(m, n), slots = tile.BlocksPerMultiprocessor * multiprocessors;
        int stepsPerPart = Math.Max(1, (steps + Math.Clamp(slots / tiles, 1, mostParts) - 1) / Math.Clamp(slots / tiles, 1, mostParts));
        return new ConvSplit(tile, tiles, Math.Max(1, (steps + stepsPerPart - 1) / stepsPerPart), stepsPerPart);
    }
}

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
