using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

/// <summary>
/// One argument of a kernel launch: a tensor (its address; null is address 0), an address or a number, as an expression of exactly the
/// parameter's type. A launch compares its size with that of the compiled kernel's parameter.
/// </summary>
internal readonly unsafe struct KernelArgument
{
    private readonly long _bits;
    private readonly void* _struct;

    private KernelArgument(long bits, int size)
    {
        _bits = bits;
        Size = size;
    }

    private KernelArgument(void* address, int size)
    {
        _struct = address;
        Size = size;
    }

    /// <summary>The argument's size in bytes.</summary>
    public int Size { get; }

    /// <summary>A struct passed by value. The variable must be a local, or otherwise fixed, until the launch returns.</summary>
    public static KernelArgument Struct<T>(T* value) where T : unmanaged => new((void*)value, sizeof(T));

    public static implicit operator KernelArgument(Tensor? tensor) => new(tensor?.Address ?? 0, sizeof(nint));

    public static implicit operator KernelArgument(nint address) => new(address, sizeof(nint));

    public static implicit operator KernelArgument(int value) => new(value, sizeof(int));

    public static implicit operator KernelArgument(uint value) => new(value, sizeof(uint));

    public static implicit operator KernelArgument(long value) => new(value, sizeof(long));

    public static implicit operator KernelArgument(ulong value) => new((long)value, sizeof(ulong));

    public static implicit operator KernelArgument(float value) => new(BitConverter.SingleToInt32Bits(value), sizeof(float));

    public static implicit operator KernelArgument(double value) => new(BitConverter.DoubleToInt64Bits(value), sizeof(double));

    /// <summary>A flag, for a parameter of type <c>int</c>.</summary>
    public static implicit operator KernelArgument(bool value) => new(value ? 1 : 0, sizeof(int));

    /// <summary>Where the value's bytes are, for an argument that does not move.</summary>
    internal static nint AddressOf(KernelArgument* argument) => argument->_struct == null ? (nint)(&argument->_bits) : (nint)argument->_struct;
}
