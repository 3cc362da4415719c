namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>sum[n, c] (+)= Σ over positions of x[n, …, c]: the gradient of a per-image channel add.</summary>
    /// <param name="x">[N, …, C].</param>
    /// <param name="sum">[N, C].</param>
    public void SumPositions(Tensor x, Sink sum)
    {
        const string op = nameof(SumPositions);
        Check(op, x);
        if (Written(op, "the sum", sum, new Shape(x.Shape.N, x.Shape.C)))
        {
            SumPositionsCore(x, sum);
        }
    }

    /// <summary>Does <see cref="SumPositions"/>, whose arguments have been checked.</summary>
    protected abstract void SumPositionsCore(Tensor x, Sink sum);
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void SumPositionsCore(Tensor x, Sink sum) =>
        Note(nameof(SumPositions), [Read(x), Into(sum)], $"{x.Shape}", (device, on) => device.SumPositions(on[x], on[sum]));
}
