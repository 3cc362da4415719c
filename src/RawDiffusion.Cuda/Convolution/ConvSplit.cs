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
