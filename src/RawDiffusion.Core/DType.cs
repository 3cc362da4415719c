namespace RawDiffusion.Core;

/// <summary>The type of a tensor's elements.</summary>
public enum DType
{
    /// <summary>IEEE single precision: activations and weights of every production device.</summary>
    Float32,

    /// <summary>IEEE double precision: the reference device's arithmetic.</summary>
    Float64,

    /// <summary>32-bit signed integers: class labels and random-stream positions.</summary>
    Int32,

    /// <summary>Bytes: pixels as the data set stores them.</summary>
    UInt8,
}

/// <summary>Facts about element types.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes per element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.Float32 or DType.Int32 => 4,
        DType.Float64 => 8,
        DType.UInt8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
    };
}
