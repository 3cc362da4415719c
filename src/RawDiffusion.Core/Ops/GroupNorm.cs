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
    public void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu)
    {
        const string op = nameof(GroupNorm);
        var statistics = CheckGroupNorm(op, x, gamma, beta, scaleShift, groups);
        Written(op, "y", y, x.Shape);
        Written(op, "the mean", mean, statistics);
        Written(op, "rstd", rstd, statistics);
        GroupNormCore(x, gamma, beta, scaleShift, y, mean, rstd, groups, eps, silu);
    }

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
    public void GroupNormBackward(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Sink dx, Sink dgamma, Sink dbeta,
        Sink dScaleShift, int groups, bool silu)
    {
        const string op = nameof(GroupNormBackward);
        var statistics = CheckGroupNorm(op, x, gamma, beta, scaleShift, groups);
        Check(op, "dy", dy, x.Shape);
        Check(op, "the mean", mean, statistics);
        Check(op, "rstd", rstd, statistics);
        Expect(scaleShift is not null || !dScaleShift.IsWanted, op, "a scale and shift where their gradient is wanted", x, dScaleShift.Tensor);
        Expect(dgamma.Tensor is null || dgamma.Tensor != dbeta.Tensor, op, "different tensors for dgamma and dbeta", dgamma.Tensor, dbeta.Tensor);
        var channels = new Shape(x.Shape.C);
        if (Written(op, "dx", dx, x.Shape) | Written(op, "dgamma", dgamma, channels) | Written(op, "dbeta", dbeta, channels) |
            Written(op, "the gradient of the scale and shift", dScaleShift, new Shape(x.Shape.N, 2 * x.Shape.C)))
        {
            GroupNormBackwardCore(dy, x, gamma, beta, scaleShift, mean, rstd, dx, dgamma, dbeta, dScaleShift, groups, silu);
        }
    }

    /// <summary>Does <see cref="GroupNorm"/>, whose arguments have been checked.</summary>
    protected abstract void GroupNormCore(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu);

    /// <summary>Does <see cref="GroupNormBackward"/>, whose arguments have been checked.</summary>
    protected abstract void GroupNormBackwardCore(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Sink dx, Sink dgamma, Sink dbeta,
        Sink dScaleShift, int groups, bool silu);

    /// <summary>The shape of a mean for each image and group.</summary>
    internal static Shape Statistics(string op, Tensor x, int groups) => groups >= 1 && x.Shape.C % groups == 0
        ? new Shape(x.Shape.N, groups)
        : throw Unfit(op, $"a number of channels that {groups} groups divide", x);

    private Shape CheckGroupNorm(string op, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, int groups)
    {
        Check(op, x);
        var channels = new Shape(x.Shape.C);
        Check(op, "gamma", gamma, channels);
        Check(op, "beta", beta, channels);
        Check(op, "the scale and shift", scaleShift, new Shape(x.Shape.N, 2 * x.Shape.C));
        return Statistics(op, x, groups);
    }
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
        var statistics = Device.Statistics(op, x, groups);
        var y = Make(op, x.Shape);
        var mean = Make(op + ".mean", statistics);
        var rstd = Make(op + ".rstd", statistics);
        Device.GroupNorm(x, gamma, beta, scaleShift, y, mean, rstd, groups, eps, silu);
        return Record(op, y, [x, gamma, beta, scaleShift], [mean, rstd], dy => Device.GroupNormBackward(
            dy, x, gamma, beta, scaleShift, mean, rstd, SinkOf(x), SinkOf(gamma), SinkOf(beta), SinkOf(scaleShift), groups, silu));
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void GroupNormCore(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu) =>
        Note(nameof(GroupNorm), [Read(x), Read(gamma), Read(beta), Read(scaleShift), Write(y), Write(mean), Write(rstd)], What(x, groups, silu),
            (device, on) => device.GroupNorm(on[x], on[gamma], on[beta], on.OrNull(scaleShift), on[y], on[mean], on[rstd], groups, eps, silu), settings: silu);

    /// <inheritdoc/>
    protected override void GroupNormBackwardCore(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Sink dx, Sink dgamma, Sink dbeta,
        Sink dScaleShift, int groups, bool silu) =>
        Note(nameof(GroupNormBackward),
            [Read(dy), Read(x), Read(gamma), Read(beta), Read(scaleShift), Read(mean), Read(rstd), Into(dx), Into(dgamma), Into(dbeta), Into(dScaleShift)],
            What(x, groups, silu),
            (device, on) => device.GroupNormBackward(
                on[dy], on[x], on[gamma], on[beta], on.OrNull(scaleShift), on[mean], on[rstd], on[dx], on[dgamma], on[dbeta], on[dScaleShift], groups, silu), settings: silu);

    private static string What(Tensor x, int groups, bool silu) => $"{x.Shape}, {groups} groups{(silu ? ", SiLU" : "")}";
}
