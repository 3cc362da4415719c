namespace RawDiffusion.Cases;

/// <summary>
/// The largest allowed |got − expected| anywhere in a tensor, in units of the expected tensor's root mean square. Cotangents are of
/// order one, so a gradient whose root mean square is far below <see cref="Floor"/> is small by cancellation: its error counts in units of the floor.
/// </summary>
/// <param name="Float32">For single precision.</param>
/// <param name="Reduced">For TF32 and bf16.</param>
/// <param name="Floor">The smallest unit.</param>
public readonly record struct Tolerance(double Float32, double Reduced, double Floor = 1e-3)
{
    /// <summary>The very same numbers on every device: copies, and random numbers.</summary>
    public static Tolerance Exact => new(0, 0);

    /// <summary>A handful of roundings for each element.</summary>
    public static Tolerance Elementwise => new(2e-6, 2e-2);

    /// <summary>Sums of up to some thousand terms.</summary>
    public static Tolerance Sum => new(1e-5, 4e-2);

    /// <summary>A sine of an angle of up to a thousand, itself rounded.</summary>
    public static Tolerance LargeAngle => new(1e-4, 2e-2);

    /// <summary>The allowed error for a precision.</summary>
    public double For(Precision precision) => precision switch
    {
        Precision.Float64 => Float32 == 0 ? 0 : 1e-10,
        Precision.Float32 => Float32,
        _ => Reduced,
    };
}
