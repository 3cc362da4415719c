using System.Runtime.InteropServices;

namespace RawDiffusion.Storage;

/// <summary>
/// A tensor to be written: what the header says of it, and where its values come from when its turn comes. Nothing is copied before.
/// </summary>
public sealed class TensorSource
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly Action<Span<byte>>? _fill;

    private TensorSource(string name, TensorDType dtype, ReadOnlySpan<long> shape, Action<Span<byte>>? fill, ReadOnlyMemory<byte> bytes)
    {
        if (dtype == TensorDType.Unknown)
        {
            throw new ArgumentException($"Tensor '{name}' has no element type.", nameof(dtype));
        }

        (Name, DType, Shape, _fill, _bytes) = (name, dtype, shape.ToArray(), fill, bytes);
        Length = checked(TensorEntry.CountOf(shape) * dtype.Size());
        if (Length is < 0 or > int.MaxValue)
        {
            throw Misfit(name, shape, $"needs {Length} bytes; a tensor of 0 to {int.MaxValue} bytes can be written");
        }

        if (fill is null && bytes.Length != Length)
        {
            throw Misfit(name, shape, $"needs {Length} bytes, {bytes.Length} were given");
        }
    }

    /// <summary>The tensor's name.</summary>
    public string Name { get; }

    /// <summary>The element type in the file.</summary>
    public TensorDType DType { get; }

    /// <summary>Extents, outermost first.</summary>
    public long[] Shape { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>A float32 tensor whose values already lie in memory; they are read when the file is written.</summary>
    public static TensorSource Floats(string name, ReadOnlySpan<long> shape, ReadOnlyMemory<float> values)
    {
        Demand(name, shape, values.Length);
        return Floats(name, shape, destination => values.Span.CopyTo(destination));
    }

    /// <summary>A float32 tensor that a callback fills when its turn comes, for example by a download from a device.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="shape">Extents, outermost first.</param>
    /// <param name="fill">Writes every element of the span it is given, in row-major order.</param>
    public static TensorSource Floats(string name, ReadOnlySpan<long> shape, Action<Span<float>> fill) =>
        new(name, TensorDType.F32, shape, bytes => fill(MemoryMarshal.Cast<byte, float>(bytes)), default);

    /// <summary>A tensor of 64-bit integers; they are read when the file is written.</summary>
    public static TensorSource Int64(string name, ReadOnlySpan<long> shape, ReadOnlyMemory<long> values)
    {
        Demand(name, shape, values.Length);
        return new TensorSource(name, TensorDType.I64, shape, bytes => values.Span.CopyTo(MemoryMarshal.Cast<byte, long>(bytes)), default);
    }

    /// <summary>A tensor of any known type from its little-endian bytes.</summary>
    public static TensorSource Bytes(string name, TensorDType dtype, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> bytes) =>
        new(name, dtype, shape, null, bytes);

    /// <summary>The tensor's bytes: its own, or written into <paramref name="scratch"/>, which grows to the largest tensor and is reused.</summary>
    internal ReadOnlySpan<byte> Data(ref byte[] scratch)
    {
        if (_fill is null)
        {
            return _bytes.Span;
        }

        if (scratch.Length < Length)
        {
            scratch = GC.AllocateUninitializedArray<byte>((int)Length);
        }

        var bytes = scratch.AsSpan(0, (int)Length);
        _fill(bytes);
        return bytes;
    }

    private static void Demand(string name, ReadOnlySpan<long> shape, int given)
    {
        long count = TensorEntry.CountOf(shape);
        if (given != count)
        {
            throw Misfit(name, shape, $"has {count} elements, {given} values were given");
        }
    }

    private static ArgumentException Misfit(string name, ReadOnlySpan<long> shape, string problem) =>
        new($"Tensor '{name}' of shape {TensorEntry.Format(shape)} {problem}.");
}
