namespace RawDiffusion.Core;

/// <summary>A tensor that an op was given.</summary>
/// <param name="Name">The parameter of the op's method.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Access">What the op does with it.</param>
/// <param name="Bytes">Bytes that the op must read and write of it at the least, each once.</param>
/// <param name="Address">Where it lies: the same for every call that is given it as long as it lives.</param>
public readonly record struct Operand(string Name, Shape Shape, DType Type, Access Access, long Bytes, nint Address)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Shape}{(Access == Access.Update ? "+" : "")}";
}
