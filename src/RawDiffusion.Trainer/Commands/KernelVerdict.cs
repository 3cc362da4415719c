namespace RawDiffusion.Trainer.Commands;

/// <summary>An op's results on a device, compared with the CPU's.</summary>
/// <param name="Op">The op.</param>
/// <param name="Error">The largest difference in what its worst case computes, gradients included, in units of the size of the same tensor on the CPU.</param>
/// <param name="Allowed">What rounding may make of it.</param>
internal readonly record struct KernelVerdict(string Op, double Error, double Allowed)
{
    /// <summary>Whether the difference is no more than rounding. One that is not a number is more.</summary>
    public bool IsWell => Error <= Allowed;

    /// <summary>How bad it is: 1 is what is allowed.</summary>
    public double Ratio => IsWell ? (Error == 0 ? 0 : Error / Allowed) : Math.Max(1, Error / Allowed) + 1;

    /// <inheritdoc/>
    public override string ToString() => $"error {Error:0.0e+00}, allowed {Allowed:0.0e+00}   {(IsWell ? "well" : "WRONG")}";
}
