namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>
    /// What an output of the network means as x̂0 = clamp(p·x + q·output, −clip, clip): the first half of <see cref="DenoiseUpdate"/>, with the
    /// same bits; the second is a <see cref="WeightedSum"/>.
    /// </summary>
    /// <param name="x">[N, …].</param>
    /// <param name="output">What the network said, like x.</param>
    /// <param name="coefficients">[1, 3]: p, q and clip, +∞ for none.</param>
    /// <param name="x0">Takes x̂0, like x; may be x or the output.</param>
    public void EstimateX0(Tensor x, Tensor output, Tensor coefficients, Tensor x0)
    {
        const string op = nameof(EstimateX0);
        Check(op, x);
        Check(op, "the network's output", output, x.Shape);
        Check(op, "the coefficients", coefficients, new Shape(1, 3));
        Written(op, "x̂0", x0, x.Shape);
        EstimateX0Core(x, output, coefficients, x0);
    }

    /// <summary>Does <see cref="EstimateX0"/>, whose arguments have been checked.</summary>
    protected abstract void EstimateX0Core(Tensor x, Tensor output, Tensor coefficients, Tensor x0);
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void EstimateX0Core(Tensor x, Tensor output, Tensor coefficients, Tensor x0) =>
        Note(nameof(EstimateX0), [Read(x), Read(output), Read(coefficients), Write(x0)], $"{x.Shape}",
            (device, on) => device.EstimateX0(on[x], on[output], on[coefficients], on[x0]));
}
