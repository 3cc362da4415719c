using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RawDiffusion.Cpu;

/// <summary>The register-tile kernels of one instruction set.</summary>
internal readonly unsafe struct KernelSet
{
    /// <summary>Pixels of each of the two groups in a wide and in a narrow pixel tile.</summary>
    public int WideGroup { get; private init; }

    /// <inheritdoc cref="WideGroup"/>
    public int NarrowGroup { get; private init; }

    /// <summary>Columns that one kernel call computes: a panel of <see cref="Blocking.Columns"/> takes one call or several.</summary>
    public int Columns { get; private init; }

    /// <summary>Rows of a weight tile.</summary>
    public int WeightRows { get; private init; }

    /// <summary>The kernel over two groups of <see cref="WideGroup"/> pixels.</summary>
    public delegate*<PixelTile*, void> WidePixels { get; private init; }

    /// <summary>The kernel over two groups of <see cref="NarrowGroup"/> pixels.</summary>
    public delegate*<PixelTile*, void> NarrowPixels { get; private init; }

    /// <summary>The kernel over <see cref="WeightRows"/> rows and <see cref="Columns"/> columns of a weight gradient.</summary>
    public delegate*<WeightTile*, void> Weights { get; private init; }

    /// <summary>The widest instruction set of this processor.</summary>
    public static InstructionSet Best =>
        Supports(InstructionSet.Vector512) ? InstructionSet.Vector512
        : Supports(InstructionSet.Vector256) ? InstructionSet.Vector256
        : InstructionSet.Vector128;

    /// <summary>Whether this processor runs <paramref name="set"/> in hardware.</summary>
    public static bool Supports(InstructionSet set) => set switch
    {
        InstructionSet.Vector512 => Vector512.IsHardwareAccelerated && Avx512F.IsSupported,
        InstructionSet.Vector256 => Vector256.IsHardwareAccelerated && Fma.IsSupported,
        _ => true,
    };

    /// <summary>The kernels for <paramref name="set"/>.</summary>
    public static KernelSet For(InstructionSet set) => set switch
    {
        InstructionSet.Vector512 => new()
        {
            WideGroup = 7,
            NarrowGroup = 4,
            Columns = 32,
            WeightRows = 8,
            WidePixels = &Kernels512.Pixels14,
            NarrowPixels = &Kernels512.Pixels8,
            Weights = &Kernels512.Weights8,
        },
        InstructionSet.Vector256 => new()
        {
            WideGroup = 3,
            NarrowGroup = 2,
            Columns = 16,
            WeightRows = 4,
            WidePixels = &Kernels256.Pixels6,
            NarrowPixels = &Kernels256.Pixels4,
            Weights = &Kernels256.Weights4,
        },
        _ => new()
        {
            WideGroup = 3,
            NarrowGroup = 2,
            Columns = 8,
            WeightRows = 4,
            WidePixels = &Kernels128.Pixels6,
            NarrowPixels = &Kernels128.Pixels4,
            Weights = &Kernels128.Weights4,
        },
    };
}
