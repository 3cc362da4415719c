using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// A safetensors file opened for reading. Opening validates the whole header; tensors are then read one at a time, by name.
/// </summary>
public sealed class SafetensorsReader : IDisposable
{
    private const int ChunkBytes = 1 << 16;

    private readonly SafeFileHandle _handle;
    private readonly SafetensorsHeader _header;

    private SafetensorsReader(SafeFileHandle handle, SafetensorsHeader header, string path)
    {
        (_handle, _header, Path) = (handle, header, path);
        Names = [.. header.InFileOrder.Select(entry => entry.Name)];
    }

    private delegate void Conversion<T>(TensorDType type, ReadOnlySpan<byte> bytes, Span<T> values);

    /// <summary>The file's path as it was given.</summary>
    public string Path { get; }

    /// <summary>The tensors' names, in the order of their bytes in the file.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The header's free-form strings, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and validates its header.</summary>
    /// <exception cref="StorageException">The file cannot be read or is not a valid safetensors file.</exception>
    public static SafetensorsReader Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            return new SafetensorsReader(handle, ReadHeader(handle, path), path);
        }
        catch (Exception e)
        {
            handle?.Dispose();
            if (StorageFailure.Covers(e))
            {
                throw StorageFailure.While($"read {path}", e);
            }

            throw;
        }
    }

    /// <summary>Whether the file holds a tensor of this name.</summary>
    public bool Contains(string name) => _header.ByName.ContainsKey(name);

    /// <summary>A tensor's type, shape and place.</summary>
    /// <exception cref="StorageException">The file has no such tensor.</exception>
    public TensorEntry Entry(string name) => _header.ByName.TryGetValue(name, out var entry)
        ? entry
        : throw new StorageException($"{Path} holds no tensor {SafetensorsHeader.Quote(name)}, which was expected; it holds {Names.Count} others.");

    /// <summary>Reads a floating-point tensor (F32, F64, F16 or BF16) as single precision.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="destination">As many elements as the tensor has, row-major as in the file.</param>
    /// <exception cref="StorageException">No such tensor, another number of elements, another type, or a failing read.</exception>
    public void ReadFloats(string name, Span<float> destination)
    {
        var entry = Entry(name);
        if (entry.DType is not (TensorDType.F32 or TensorDType.F64 or TensorDType.F16 or TensorDType.BF16))
        {
            throw WrongType(entry, "F32, F64, F16 or BF16");
        }

        if (entry.Count != destination.Length)
        {
            throw WrongSize(entry, $"{entry.Count} elements", destination.Length);
        }

        Read(entry, destination, entry.DType.Size(), ToSingle);
    }

    /// <summary>Reads a floating-point tensor into a new array.</summary>
    /// <exception cref="StorageException">As <see cref="ReadFloats(string, Span{float})"/>.</exception>
    public float[] ReadFloats(string name)
    {
        var entry = Entry(name);
        float[] values = new float[ArrayLength(entry, entry.Count)];
        ReadFloats(name, values);
        return values;
    }

    /// <summary>Reads a tensor of signed integers, bytes or booleans as 64-bit integers.</summary>
    /// <exception cref="StorageException">No such tensor, another type, or a failing read.</exception>
    public long[] ReadInt64(string name)
    {
        var entry = Entry(name);
        if (entry.DType is not (TensorDType.I64 or TensorDType.I32 or TensorDType.I16 or TensorDType.I8 or TensorDType.U8 or TensorDType.Bool))
        {
            throw WrongType(entry, "I64, I32, I16, I8, U8 or BOOL");
        }

        long[] values = new long[ArrayLength(entry, entry.Count)];
        Read<long>(entry, values, entry.DType.Size(), ToInt64);
        return values;
    }

    /// <summary>Reads a tensor's bytes as they are in the file (little-endian).</summary>
    /// <exception cref="StorageException">No such tensor, a type this program does not know, another length, or a failing read.</exception>
    public void ReadBytes(string name, Span<byte> destination)
    {
        var entry = Entry(name);
        if (entry.DType == TensorDType.Unknown)
        {
            throw WrongType(entry, "one of the format's types up to 64 bits");
        }

        if (entry.Length != destination.Length)
        {
            throw WrongSize(entry, $"{entry.Length} bytes", destination.Length);
        }

        Read(entry, destination, 1, static (_, bytes, values) => bytes.CopyTo(values));
    }

    /// <summary>Reads a tensor's bytes into a new array.</summary>
    /// <exception cref="StorageException">As <see cref="ReadBytes(string, Span{byte})"/>.</exception>
    public byte[] ReadBytes(string name)
    {
        var entry = Entry(name);
        byte[] bytes = new byte[ArrayLength(entry, entry.Length)];
        ReadBytes(name, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static SafetensorsHeader ReadHeader(SafeFileHandle handle, string path)
    {
        long fileLength = RandomAccess.GetLength(handle);
        Span<byte> prefix = stackalloc byte[8];
        if (!Fill(handle, prefix, 0))
        {
            throw SafetensorsHeader.Broken(path, $"it has {fileLength} bytes, less than the 8 of the header's length");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > SafetensorsHeader.MaxLength)
        {
            throw SafetensorsHeader.Broken(path, $"it declares a header of {length} bytes, the format allows {SafetensorsHeader.MaxLength}");
        }

        if ((long)length > fileLength - 8)
        {
            throw SafetensorsHeader.Broken(path, $"it declares a header of {length} bytes, only {fileLength - 8} follow");
        }

        byte[] json = new byte[length];
        if (!Fill(handle, json, 8))
        {
            throw SafetensorsHeader.Broken(path, "it became shorter while it was read");
        }

        return SafetensorsHeader.Parse(json, fileLength, path);
    }

    private void Read<T>(TensorEntry entry, Span<T> destination, int size, Conversion<T> convert)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            long position = entry.Offset;
            while (!destination.IsEmpty)
            {
                int count = Math.Min(destination.Length, ChunkBytes / size);
                var bytes = chunk.AsSpan(0, count * size);
                if (!Fill(_handle, bytes, position))
                {
                    throw new StorageException($"{Path} ends within tensor {SafetensorsHeader.Quote(entry.Name)}: it was shortened after it was opened.");
                }

                convert(entry.DType, bytes, destination[..count]);
                destination = destination[count..];
                position += bytes.Length;
            }
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            throw StorageFailure.While($"read tensor {SafetensorsHeader.Quote(entry.Name)} of {Path}", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>Reads until the span is full; false where the file ends before.</summary>
    private static bool Fill(SafeFileHandle handle, Span<byte> destination, long position)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(handle, destination, position);
            if (read == 0)
            {
                return false;
            }

            destination = destination[read..];
            position += read;
        }
        return true;
    }

    private static void ToSingle(TensorDType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        switch (type)
        {
            case TensorDType.F32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(values);
                break;
            case TensorDType.F64:
                Convert<double, float>(bytes, values);
                break;
            case TensorDType.F16:
                Convert<Half, float>(bytes, values);
                break;
            case TensorDType.BF16:
                var halves = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
                }

                break;
        }
    }

    private static void ToInt64(TensorDType type, ReadOnlySpan<byte> bytes, Span<long> values)
    {
        switch (type)
        {
            case TensorDType.I64:
                MemoryMarshal.Cast<byte, long>(bytes).CopyTo(values);
                break;
            case TensorDType.I32:
                Convert<int, long>(bytes, values);
                break;
            case TensorDType.I16:
                Convert<short, long>(bytes, values);
                break;
            case TensorDType.I8:
                Convert<sbyte, long>(bytes, values);
                break;
            default:
                Convert<byte, long>(bytes, values);
                break;
        }
    }

    private static void Convert<TFrom, TTo>(ReadOnlySpan<byte> bytes, Span<TTo> values)
        where TFrom : unmanaged, INumberBase<TFrom>
        where TTo : INumberBase<TTo>
    {
        var source = MemoryMarshal.Cast<byte, TFrom>(bytes);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = TTo.CreateTruncating(source[i]);
        }
    }

    private int ArrayLength(TensorEntry entry, long length) => length <= Array.MaxLength
        ? (int)length
        : throw new StorageException(
            $"Tensor {SafetensorsHeader.Quote(entry.Name)} of {Path} has {length} elements, more than one array holds ({Array.MaxLength}).");

    private StorageException WrongType(TensorEntry entry, string expected) =>
        new($"Tensor {SafetensorsHeader.Quote(entry.Name)} of {Path} has type {SafetensorsHeader.Quote(entry.DTypeName)}; expected {expected}.");

    private StorageException WrongSize(TensorEntry entry, string found, int expected) =>
        new(
        $"Tensor {SafetensorsHeader.Quote(entry.Name)} of {Path} has shape {TensorEntry.Format(entry.Shape)}, that is {found}; "
        + $"expected {expected}. Is the file of another model?");
}
