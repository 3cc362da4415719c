using System.Runtime.InteropServices;

namespace RawDiffusion.Core;

/// <summary>
/// A dense, row-major array in a device's memory, or a slice of one. Whoever creates a tensor disposes it; tensors made by a
/// <see cref="Tape"/> belong to the tape.
/// </summary>
public sealed class Tensor : IDisposable
{
    private static long _versions;
    private readonly nint _address;
    private readonly Tensor? _root;
    private long _version;
    private string? _freed;

    /// <summary>A tensor of undefined content.</summary>
    /// <param name="device">Where it lives.</param>
    /// <param name="shape">Its extents.</param>
    /// <param name="type">Its element type; the device's real type if not given.</param>
    /// <param name="name">What error messages call it.</param>
    /// <exception cref="DeviceException">The device has no memory left.</exception>
    public Tensor(Device device, Shape shape, DType? type = null, string name = "tensor")
    {
        (Device, Shape, DType, Name) = (device, shape, type ?? device.Real, name);
        _address = device.Memory.Rent(Bytes, name);
        _version = Interlocked.Increment(ref _versions);
        if (device.PoisonNewTensors)
        {
            device.Fill(_address, Bytes, 0xFF);
        }
    }

    private Tensor(Tensor root, long offset, Shape shape, string name)
    {
        (Device, Shape, DType, Name, _root) = (root.Device, shape, root.DType, name, root);
        _address = root._address + (nint)(offset * DType.Size());
    }

    /// <summary>The device whose memory holds the elements.</summary>
    public Device Device { get; }

    /// <summary>The extents.</summary>
    public Shape Shape { get; }

    /// <summary>The element type.</summary>
    public DType DType { get; }

    /// <summary>What error messages call this tensor: a parameter's name, or the op that made it.</summary>
    public string Name { get; }

    /// <summary>The size of the content in bytes.</summary>
    public long Bytes => Shape.Count * DType.Size();

    /// <summary>Whether the memory has been given back.</summary>
    public bool IsDisposed => (_root ?? this)._freed is not null;

    /// <summary>
    /// A number, unique in the process, that changes whenever the content is replaced (an upload, an op that writes it, a launch of one that
    /// was recorded): what a device derived from the content (packed weights) is valid as long as the version stands.
    /// </summary>
    public long Version => (_root ?? this)._version;

    /// <summary>Whether a backward pass must bring a gradient to this tensor: to <see cref="BoundGradient"/>, or else to <see cref="Tape.Gradient"/>.</summary>
    public bool RequiresGradient { get; set; }

    /// <summary>Where this parameter's gradients add up, if <see cref="BindGradient"/> said where; otherwise they belong to the tape.</summary>
    public BoundGradient? BoundGradient { get; private set; }

    /// <summary>The device address of the first element.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been given back.</exception>
    public nint Address => IsDisposed ? throw Disposed("read") : _address;

    /// <summary>Where the memory begins that holds this tensor, and that <see cref="Core.Device.OnFreed"/> will name when it is given back.</summary>
    public nint MemoryAddress => (_root ?? this)._address;

    /// <summary>A slice of this tensor's memory that lives as long as this tensor does.</summary>
    /// <param name="offset">The first element, counted in row-major order.</param>
    /// <param name="shape">The slice's extents.</param>
    /// <param name="name">The slice's name.</param>
    public Tensor Slice(long offset, Shape shape, string? name = null)
    {
        if (offset < 0 || offset + shape.Count > Shape.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"elements {offset}..{offset + shape.Count} lie outside of {this}");
        }
        return new Tensor(_root ?? this, offset + (_address - (_root ?? this)._address) / DType.Size(), shape, name ?? Name);
    }

    /// <summary>Makes this tensor a parameter, whose gradients from now on add up in a given tensor, whatever the tape.</summary>
    /// <param name="sum">Of this tensor's shape, device and type; its owner keeps it as long as this tensor is used.</param>
    /// <exception cref="ArgumentException">A sum of another shape, device or type.</exception>
    public BoundGradient BindGradient(Tensor sum)
    {
        if (sum.Device != Device || sum.DType != DType || sum.Shape != Shape)
        {
            throw new ArgumentException($"the gradient of {this} cannot be summed in {sum}: device, type and shape must agree");
        }
        RequiresGradient = true;
        return BoundGradient = new BoundGradient(sum);
    }

    /// <summary>Says that the content was replaced by other means than this class's and the device's ops: see <see cref="Version"/>.</summary>
    public void MarkWritten()
    {
        var owner = _root ?? this;
        owner._version = Interlocked.Increment(ref _versions);
        Device.NoteWrite(owner);
    }

    /// <summary>Replaces the content by host numbers, rounded to the element type where it is narrower.</summary>
    /// <exception cref="ArgumentException">The number of values is not the number of elements.</exception>
    public Tensor Upload<T>(ReadOnlySpan<T> values) where T : unmanaged, System.Numerics.INumberBase<T>
    {
        CheckLength(values.Length);
        if ((typeof(T) == typeof(float) && DType == DType.Float32) || (typeof(T) == typeof(double) && DType == DType.Float64) ||
            (typeof(T) == typeof(int) && DType == DType.Int32) || (typeof(T) == typeof(byte) && DType == DType.UInt8))
        {
            Device.CopyFromHost(MemoryMarshal.AsBytes(values), Address);
        }
        else
        {
            UploadConverted(values);
        }
        MarkWritten();
        return this;
    }

    /// <summary>Replaces the content by host numbers: see <see cref="Upload{T}(ReadOnlySpan{T})"/>.</summary>
    public Tensor Upload<T>(T[] values) where T : unmanaged, System.Numerics.INumberBase<T> => Upload((ReadOnlySpan<T>)values);

    /// <summary>Copies the content to the host, as numbers of any type.</summary>
    public void Download<T>(Span<T> values) where T : unmanaged, System.Numerics.INumberBase<T>
    {
        CheckLength(values.Length);
        switch (DType)
        {
            case DType.Float32: DownloadAs<float, T>(values); break;
            case DType.Float64: DownloadAs<double, T>(values); break;
            case DType.Int32: DownloadAs<int, T>(values); break;
            case DType.UInt8: DownloadAs<byte, T>(values); break;
        }
    }

    /// <summary>The content as a host array.</summary>
    public T[] ToArray<T>() where T : unmanaged, System.Numerics.INumberBase<T>
    {
        var values = new T[Shape.Count];
        Download<T>(values);
        return values;
    }

    /// <summary>The content as single-precision numbers.</summary>
    public float[] ToArray() => ToArray<float>();

    /// <summary>Replaces the content by that of a tensor of the same device, type and number of elements.</summary>
    public Tensor CopyFrom(Tensor source)
    {
        if (source.Device != Device || source.DType != DType || source.Shape.Count != Shape.Count)
        {
            throw new ArgumentException($"{source} cannot be copied into {this}: device, type and number of elements must agree");
        }
        Device.Copy(source.Address, Address, Bytes);
        MarkWritten();
        return this;
    }

    /// <summary>Sets every element to zero.</summary>
    public Tensor Clear()
    {
        Device.Fill(Address, Bytes, 0);
        MarkWritten();
        return this;
    }

    /// <summary>Gives the memory back. A slice owns none. Disposing twice is harmless.</summary>
    public void Dispose() => Free("Dispose");

    /// <summary>Gives the memory back and remembers on whose behalf, for the message that a later use gets.</summary>
    internal void Free(string by)
    {
        if (_root is null && _freed is null)
        {
            _freed = by;
            Device.Memory.Return(_address, Bytes);
            Device.OnFreed(_address);
        }
    }

    /// <summary>The error for a use after the memory was given back.</summary>
    internal ObjectDisposedException Disposed(string op) =>
        new(Name, $"{op}: the tensor '{Name}' {Shape} was freed by {(_root ?? this)._freed} and can no longer be used. Keep it (Tape.Keep, Scope.Keep) or use it earlier.");

    /// <summary>Name, shape and type, as messages show them.</summary>
    public override string ToString() => $"'{Name}' {Shape} {DType}";

    private void CheckLength(int length)
    {
        if (length != Shape.Count)
        {
            throw new ArgumentException($"{this} holds {Shape.Count} elements, but {length} were given");
        }
    }

    private void UploadConverted<T>(ReadOnlySpan<T> values) where T : unmanaged, System.Numerics.INumberBase<T>
    {
        switch (DType)
        {
            case DType.Float32: Device.CopyFromHost(MemoryMarshal.AsBytes<float>(Convert<T, float>(values)), Address); break;
            case DType.Float64: Device.CopyFromHost(MemoryMarshal.AsBytes<double>(Convert<T, double>(values)), Address); break;
            case DType.Int32: Device.CopyFromHost(MemoryMarshal.AsBytes<int>(Convert<T, int>(values)), Address); break;
            case DType.UInt8: Device.CopyFromHost(MemoryMarshal.AsBytes<byte>(Convert<T, byte>(values)), Address); break;
        }
    }

    private void DownloadAs<TStored, T>(Span<T> values)
        where TStored : unmanaged, System.Numerics.INumberBase<TStored>
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        if (typeof(TStored) == typeof(T))
        {
            Device.CopyToHost(Address, MemoryMarshal.AsBytes(values));
            return;
        }
        var stored = new TStored[values.Length];
        Device.CopyToHost(Address, MemoryMarshal.AsBytes(stored.AsSpan()));
        Convert<TStored, T>(stored).CopyTo(values);
    }

    private static TTo[] Convert<TFrom, TTo>(ReadOnlySpan<TFrom> values)
        where TFrom : System.Numerics.INumberBase<TFrom>
        where TTo : System.Numerics.INumberBase<TTo>
    {
        var converted = new TTo[values.Length];
        for (int i = 0; i < converted.Length; i++)
        {
            converted[i] = TTo.CreateChecked(values[i]);
        }
        return converted;
    }
}
