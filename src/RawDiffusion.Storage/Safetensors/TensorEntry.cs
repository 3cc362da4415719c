namespace RawDiffusion.Storage;

/// <summary>One tensor as a safetensors header declares it.</summary>
/// <param name="Name">The tensor's name, unique in its file.</param>
/// <param name="DType">The element type; <see cref="TensorDType.Unknown"/> where <paramref name="DTypeName"/> is not one of ours.</param>
/// <param name="DTypeName">The element type's name as written in the file.</param>
/// <param name="Shape">Extents, outermost first; empty for a scalar.</param>
/// <param name="Offset">Position of the first byte, counted from the start of the file.</param>
/// <param name="Length">Bytes.</param>
public sealed record TensorEntry(string Name, TensorDType DType, string DTypeName, long[] Shape, long Offset, long Length)
{
    /// <summary>The number of elements.</summary>
    public long Count => CountOf(Shape);

    /// <summary>The product of the extents.</summary>
    /// <exception cref="OverflowException">The product does not fit in 63 bits.</exception>
    internal static long CountOf(ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (long extent in shape)
        {
            count = checked(count * extent);
        }

        return count;
    }

    /// <summary>The shape as messages print it, such as <c>[16, 3, 3, 3]</c>.</summary>
    internal static string Format(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";
}
