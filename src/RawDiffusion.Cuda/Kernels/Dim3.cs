namespace RawDiffusion.Cuda;

/// <summary>The extents of a grid of blocks or of a block of threads.</summary>
/// <param name="X">Fastest.</param>
/// <param name="Y">Second.</param>
/// <param name="Z">Slowest.</param>
internal readonly record struct Dim3(int X, int Y = 1, int Z = 1)
{
    public static implicit operator Dim3(int x) => new(x);

    public static implicit operator Dim3((int X, int Y) extents) => new(extents.X, extents.Y);

    public static implicit operator Dim3((int X, int Y, int Z) extents) => new(extents.X, extents.Y, extents.Z);

    public override string ToString() => $"({X}, {Y}, {Z})";
}
