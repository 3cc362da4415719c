namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>sum[n, c] (+)= Σ over positions of x[n, …, c]: the gradient of a per-image channel add.</summary>
    /// <param name="x">[N, …, C].</param>
    /// <param name="sum">[N, C].</param>
    public abstract void SumPositions(Tensor x, Sink sum);
}
