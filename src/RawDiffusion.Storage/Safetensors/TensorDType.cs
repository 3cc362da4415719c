namespace RawDiffusion.Storage;

/// <summary>The element types of a safetensors file, in the order of their alignment that writers sort by (largest last).</summary>
public enum TensorDType
{
    /// <summary>A type this program does not know: such a tensor is listed but cannot be read.</summary>
    Unknown,
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
    /// <summary>Unsigned 8 bits.</summary>
    U8,
    /// <summary>Signed 8 bits.</summary>
    I8,
    /// <summary>Signed 16 bits.</summary>
    I16,
    /// <summary>Unsigned 16 bits.</summary>
    U16,
    /// <summary>IEEE half precision.</summary>
    F16,
    /// <summary>The upper half of an IEEE single.</summary>
    BF16,
    /// <summary>Signed 32 bits.</summary>
    I32,
    /// <summary>Unsigned 32 bits.</summary>
    U32,
    /// <summary>IEEE single precision.</summary>
    F32,
    /// <summary>IEEE double precision.</summary>
    F64,
    /// <summary>Signed 64 bits.</summary>
    I64,
    /// <summary>Unsigned 64 bits.</summary>
    U64,
}

/// <summary>Widths and names of the element types.</summary>
public static class TensorDTypes
{
    /// <summary>Bytes of one element; 0 for <see cref="TensorDType.Unknown"/>.</summary>
    public static int Size(this TensorDType type) => type switch
    {
        TensorDType.Bool or TensorDType.U8 or TensorDType.I8 => 1,
        TensorDType.I16 or TensorDType.U16 or TensorDType.F16 or TensorDType.BF16 => 2,
        TensorDType.I32 or TensorDType.U32 or TensorDType.F32 => 4,
        TensorDType.F64 or TensorDType.I64 or TensorDType.U64 => 8,
        _ => 0,
    };

    /// <summary>The name in a file's header, such as <c>F32</c>.</summary>
    public static string Name(this TensorDType type) => type.ToString().ToUpperInvariant();

    /// <summary>The type of a header's name, or <see cref="TensorDType.Unknown"/>.</summary>
    public static TensorDType Parse(string name) => name switch
    {
        "BOOL" => TensorDType.Bool,
        "U8" => TensorDType.U8,
        "I8" => TensorDType.I8,
        "I16" => TensorDType.I16,
        "U16" => TensorDType.U16,
        "F16" => TensorDType.F16,
        "BF16" => TensorDType.BF16,
        "I32" => TensorDType.I32,
        "U32" => TensorDType.U32,
        "F32" => TensorDType.F32,
        "F64" => TensorDType.F64,
        "I64" => TensorDType.I64,
        "U64" => TensorDType.U64,
        _ => TensorDType.Unknown,
    };
}
