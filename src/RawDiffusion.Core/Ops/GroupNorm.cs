namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>
    /// Group normalisation of Wu and He 2018, optionally scaled and shifted per image and followed by SiLU:
    /// x̂ = (x − mean)·rstd over each image's group of channels; h = x̂·γ + β; h = h·(1 + scale) + shift; y = silu(h).
    /// The variance is the biased one; rstd = 1/√(variance + eps).
    /// </summary>
    /// <param name="x">[N, …, C].</param>
    /// <param name="gamma">[C].</param>
    /// <param name="beta">[C].</param>
    /// <param name="scaleShift">[N, 2C]: scale, then shift.</param>
    /// <param name="y">Like x.</param>
    /// <param name="mean">[N, groups].</param>
    /// <param name="rstd">[N, groups].</param>
    /// <param name="groups">A divisor of C; a group is C/groups neighbouring channels.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="silu">Whether SiLU follows.</param>
    public abstract void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu);

    /// <summary>The gradients of <see cref="GroupNorm"/>, from x and its statistics.</summary>
    /// <param name="dy">∂loss/∂y.</param>
    /// <param name="x">The forward's input.</param>
    /// <param name="gamma">[C].</param>
    /// <param name="beta">[C].</param>
    /// <param name="scaleShift">[N, 2C], if the forward had one.</param>
    /// <param name="mean">[N, groups], from the forward.</param>
    /// <param name="rstd">[N, groups], from the forward.</param>
    /// <param name="dx">Like x.</param>
    /// <param name="dgamma">[C].</param>
    /// <param name="dbeta">[C]; another tensor than dgamma's.</param>
    /// <param name="dScaleShift">[N, 2C]; none if there is no scaleShift.</param>
    /// <param name="groups">As in the forward.</param>
    /// <param name="silu">As in the forward.</param>
    public abstract void GroupNormBackward(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Sink dx, Sink dgamma, Sink dbeta,
        Sink dScaleShift, int groups, bool silu);
}

public sealed partial class Tape
{
    /// <summary>Group normalisation with its affine part, an optional per-image scale and shift, and an optional SiLU: see <see cref="Device.GroupNorm"/>.</summary>
    /// <param name="x">[N, …, C].</param>
    /// <param name="gamma">[C].</param>
    /// <param name="beta">[C].</param>
    /// <param name="groups">A divisor of C.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="silu">Whether SiLU follows.</param>
    /// <param name="scaleShift">[N, 2C]: scale, then shift.</param>
    /// <returns>Like x.</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit together.</exception>
    public Tensor GroupNorm(Tensor x, Tensor gamma, Tensor beta, int groups, double eps, bool silu = false, Tensor? scaleShift = null)
    {
        const string op = "GroupNorm";
        Check(op, x, gamma, beta, scaleShift);
        int n = x.Shape.N, c = x.Shape.C;
        Expect(groups >= 1 && c % groups == 0, op, $"a number of channels that {groups} groups divide", x);
        ExpectShape(op, "gamma", gamma, new Shape(c));
        ExpectShape(op, "beta", beta, new Shape(c));
        ExpectShape(op, "the scale and shift", scaleShift, new Shape(n, 2 * c));
        var y = Make(op, x.Shape);
        var mean = Make(op + ".mean", new Shape(n, groups));
        var rstd = Make(op + ".rstd", new Shape(n, groups));
        Device.GroupNorm(x, gamma, beta, scaleShift, y, mean, rstd, groups, eps, silu);
        return Record(op, y, [x, gamma, beta, scaleShift], [mean, rstd], dy => Device.GroupNormBackward(
            dy, x, gamma, beta, scaleShift, mean, rstd, SinkOf(x), SinkOf(gamma), SinkOf(beta), SinkOf(scaleShift), groups, silu));
    }
}
