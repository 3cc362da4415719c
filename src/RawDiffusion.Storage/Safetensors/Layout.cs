namespace RawDiffusion.Storage;

/// <summary>
/// Reorders a convolution's weights between diffusers' layout [out, in, height, width] and this program's [out, height, width, in].
/// Each output channel is a transposition of its own, small enough for the nearest cache.
/// </summary>
public static class Layout
{
    /// <summary>[out, in, height, width] to [out, height, width, in].</summary>
    /// <param name="source">out·in·area elements.</param>
    /// <param name="destination">As many; must not overlap the source.</param>
    /// <param name="inputs">Input channels.</param>
    /// <param name="area">Height times width of the kernel.</param>
    /// <exception cref="ArgumentException">The lengths differ or are no multiple of inputs·area.</exception>
    public static void OihwToOhwi(ReadOnlySpan<float> source, Span<float> destination, int inputs, int area) =>
        TransposeEach(source, destination, inputs, area);

    /// <summary>[out, height, width, in] to [out, in, height, width].</summary>
    /// <param name="source">out·area·in elements.</param>
    /// <param name="destination">As many; must not overlap the source.</param>
    /// <param name="inputs">Input channels.</param>
    /// <param name="area">Height times width of the kernel.</param>
    /// <exception cref="ArgumentException">The lengths differ or are no multiple of inputs·area.</exception>
    public static void OhwiToOihw(ReadOnlySpan<float> source, Span<float> destination, int inputs, int area) =>
        TransposeEach(source, destination, area, inputs);

    private static void TransposeEach(ReadOnlySpan<float> source, Span<float> destination, int rows, int columns)
    {
        int block = checked(rows * columns);
        if (source.Length != destination.Length || (block == 0 ? source.Length != 0 : source.Length % block != 0))
        {
            throw new ArgumentException($"{source.Length} and {destination.Length} elements are not the same multiple of {rows}·{columns}.", nameof(destination));
        }

        for (; !source.IsEmpty; source = source[block..], destination = destination[block..])
        {
            for (int row = 0; row < rows; row++)
            {
                var line = source.Slice(row * columns, columns);
                for (int column = 0, target = row; column < line.Length; column++, target += rows)
                {
                    destination[target] = line[column];
                }
            }
        }
    }
}
