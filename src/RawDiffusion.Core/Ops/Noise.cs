namespace RawDiffusion.Core;

/// <summary>Where each number of a step stands in the tensor that <see cref="Device.DenoiseUpdate"/> reads.</summary>
public enum DenoiseCoefficient
{
    /// <summary>x's part in x̂0.</summary>
    P,

    /// <summary>The network output's part in x̂0.</summary>
    Q,

    /// <summary>The bound of |x̂0|; +∞ for none.</summary>
    Clip,

    /// <summary>x's part in the next x.</summary>
    U,

    /// <summary>x̂0's part in the next x.</summary>
    V,

    /// <summary>The previous x̂0's part in the next x.</summary>
    W,

    /// <summary>The standard deviation of the noise.</summary>
    S,

    /// <summary>How many coefficients there are.</summary>
    Count,
}

public abstract partial class Device
{
    /// <summary>
    /// Fills y with standard normal numbers: elements 4b..4b+3 of a sample are <see cref="BoxMuller.Pair"/> of words 0 and 1, then of words
    /// 2 and 3, of the stream's block b.
    /// </summary>
    /// <param name="y">[N, …].</param>
    /// <param name="stream">Where the bits come from.</param>
    public void FillNormal(Tensor y, in RandomStream stream)
    {
        const string op = nameof(FillNormal);
        Check(op, stream);
        Written(op, "y", y, y.Shape);
        FillNormalCore(y, stream);
    }

    /// <summary>
    /// The fused forward process (q_sample, Ho et al. 2020, eq. 4) with the network's target: for each sample n,
    /// xt = a·x0 + b·ε and target = c·x0 + d·ε with (a, b, c, d) = coefficients[n].
    /// </summary>
    /// <param name="x0">[N, …].</param>
    /// <param name="coefficients">[N, 4].</param>
    /// <param name="noise">ε, like x0; drawn from the stream as by <see cref="FillNormal"/> if null.</param>
    /// <param name="stream">Where ε comes from if no noise is given.</param>
    /// <param name="xt">Like x0.</param>
    /// <param name="target">Like x0.</param>
    public void AddNoise(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        const string op = nameof(AddNoise);
        Check(op, x0);
        CheckForwardProcess(op, x0.Shape, coefficients, noise, stream, xt, target);
        AddNoiseCore(x0, coefficients, noise, stream, xt, target);
    }

    /// <summary>
    /// <see cref="AddNoise"/> straight from a data set's bytes: sample n's x0 is image picks[n, 0], as pixel/127.5 − 1 in [−1, 1], mirrored left to
    /// right if picks[n, 1] is not 0.
    /// </summary>
    /// <param name="pixels">UInt8 [M, H, W, C].</param>
    /// <param name="picks">Int32 [N, 2]: an image within 0..M−1, and whether to mirror it.</param>
    /// <param name="left">The column at which images begin within their border.</param>
    /// <param name="width">The images' columns within their border; only these are mirrored.</param>
    /// <param name="coefficients">[N, 4].</param>
    /// <param name="noise">ε, [N, H, W, C]; drawn from the stream as by <see cref="FillNormal"/> if null.</param>
    /// <param name="stream">Where ε comes from if no noise is given.</param>
    /// <param name="xt">[N, H, W, C].</param>
    /// <param name="target">[N, H, W, C].</param>
    public void AddNoiseToPixels(
        Tensor pixels, Tensor picks, int left, int width, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        const string op = nameof(AddNoiseToPixels);
        Check(op, pixels, DType.UInt8);
        Check(op, picks, DType.Int32);
        Expect(pixels.Shape.Rank == 4 && picks.Shape.Rank == 2 && picks.Shape[1] == 2, op, "pixels UInt8 [M, H, W, C] and picks Int32 [N, 2]", pixels, picks);
        if (left < 0 || width < 1 || width > pixels.Shape[2] - left)
        {
            throw Unfit(op, $"images whose {width} columns from column {left} on lie within their border", pixels);
        }
        CheckForwardProcess(op, new Shape(picks.Shape.N, pixels.Shape[1], pixels.Shape[2], pixels.Shape[3]), coefficients, noise, stream, xt, target);
        AddNoiseToPixelsCore(pixels, picks, left, width, coefficients, noise, stream, xt, target);
    }

    /// <summary>
    /// The fused reverse update of every sampler here that is linear in x, x̂0 and noise. With the step's coefficients (p, q, clip, u, v, w, s):
    /// x̂0 = clamp(p·x + q·output, −clip, clip); next = u·x + v·x̂0 + w·previousX0 + s·z.
    /// </summary>
    /// <param name="x">[N, …].</param>
    /// <param name="output">What the network said, like x.</param>
    /// <param name="previousX0">x̂0 of the step before, like x, for multistep samplers; counts as zero if null.</param>
    /// <param name="coefficients">[<see cref="DenoiseCoefficient.Count"/>]; clip = +∞ does not clip.</param>
    /// <param name="noise">z, like x; drawn from the stream as by <see cref="FillNormal"/> if null. With s = 0 neither is looked at.</param>
    /// <param name="stream">Where z comes from if no noise is given.</param>
    /// <param name="x0">Takes x̂0, unless null; may be previousX0 itself.</param>
    /// <param name="next">Like x; may be x itself.</param>
    public void DenoiseUpdate(
        Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next)
    {
        const string op = nameof(DenoiseUpdate);
        Check(op, x);
        Check(op, "the network's output", output, x.Shape);
        Check(op, "the previous x̂0", previousX0, x.Shape);
        Check(op, "the coefficients", coefficients, new Shape((int)DenoiseCoefficient.Count));
        CheckNoise(op, x.Shape, noise, stream);
        Written(op, "x̂0", x0, x.Shape);
        Written(op, "the next x", next, x.Shape);
        DenoiseUpdateCore(x, output, previousX0, coefficients, noise, stream, x0, next);
    }

    /// <summary>Does <see cref="FillNormal"/>, whose arguments have been checked.</summary>
    protected abstract void FillNormalCore(Tensor y, in RandomStream stream);

    /// <summary>Does <see cref="AddNoise"/>, whose arguments have been checked.</summary>
    protected abstract void AddNoiseCore(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target);

    /// <summary>Does <see cref="AddNoiseToPixels"/>, whose arguments have been checked.</summary>
    protected abstract void AddNoiseToPixelsCore(
        Tensor pixels, Tensor picks, int left, int width, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target);

    /// <summary>Does <see cref="DenoiseUpdate"/>, whose arguments have been checked.</summary>
    protected abstract void DenoiseUpdateCore(
        Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next);

    private void CheckForwardProcess(
        string op, Shape shape, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        Check(op, "the coefficients", coefficients, new Shape(shape.N, 4));
        CheckNoise(op, shape, noise, stream);
        Written(op, "xt", xt, shape);
        Written(op, "the target", target, shape);
    }

    private void CheckNoise(string op, Shape shape, Tensor? noise, in RandomStream stream)
    {
        Check(op, "the noise", noise, shape);
        if (noise is null)
        {
            Check(op, stream);
        }
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void FillNormalCore(Tensor y, in RandomStream stream)
    {
        var from = stream;
        Note(nameof(FillNormal), [Write(y)], $"{y.Shape}", (device, on) => device.FillNormal(on[y], on[from]));
    }

    /// <inheritdoc/>
    protected override void AddNoiseCore(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        var from = stream;
        Note(nameof(AddNoise), [Read(x0), Read(coefficients), Read(noise), Write(xt), Write(target)], $"{x0.Shape}",
            (device, on) => device.AddNoise(on[x0], on[coefficients], on.OrNull(noise), on[from], on[xt], on[target]));
    }

    /// <inheritdoc/>
    protected override void AddNoiseToPixelsCore(
        Tensor pixels, Tensor picks, int left, int width, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        var from = stream;
        Note(nameof(AddNoiseToPixels), [Read(pixels, xt.Shape.Count), Read(picks), Read(coefficients), Read(noise), Write(xt), Write(target)], $"{xt.Shape}",
            (device, on) => device.AddNoiseToPixels(on[pixels], on[picks], left, width, on[coefficients], on.OrNull(noise), on[from], on[xt], on[target]));
    }

    /// <inheritdoc/>
    protected override void DenoiseUpdateCore(
        Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next)
    {
        var from = stream;
        Note(nameof(DenoiseUpdate), [Read(x), Read(output), Read(previousX0), Read(coefficients), Read(noise), Write(x0), Write(next)], $"{x.Shape}",
            (device, on) => device.DenoiseUpdate(on[x], on[output], on.OrNull(previousX0), on[coefficients], on.OrNull(noise), on[from], on.OrNull(x0), on[next]));
    }
}
