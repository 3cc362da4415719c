namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>
    /// Fills y with standard normal numbers: elements 4b..4b+3 of a sample are <see cref="Normal.Pair"/> of words 0 and 1, then of words
    /// 2 and 3, of the stream's block b.
    /// </summary>
    /// <param name="y">[N, …].</param>
    /// <param name="stream">Where the bits come from.</param>
    public abstract void FillNormal(Tensor y, in RandomStream stream);

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
    public abstract void AddNoise(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target);

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
    public abstract void AddNoiseToPixels(
        Tensor pixels, Tensor picks, int left, int width, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target);

    /// <summary>
    /// The fused reverse update of every sampler here that is linear in x, x̂0 and noise. With the step's coefficients (p, q, clip, u, v, w, s):
    /// x̂0 = clamp(p·x + q·output, −clip, clip); next = u·x + v·x̂0 + w·previousX0 + s·z.
    /// </summary>
    /// <param name="x">[N, …].</param>
    /// <param name="output">What the network said, like x.</param>
    /// <param name="previousX0">x̂0 of the step before, like x, for multistep samplers; counts as zero if null.</param>
    /// <param name="coefficients">[7], in the order above; clip = +∞ does not clip.</param>
    /// <param name="noise">z, like x; drawn from the stream as by <see cref="FillNormal"/> if null. With s = 0 neither is looked at.</param>
    /// <param name="stream">Where z comes from if no noise is given.</param>
    /// <param name="x0">Takes x̂0, unless null; may be previousX0 itself.</param>
    /// <param name="next">Like x; may be x itself.</param>
    public abstract void DenoiseUpdate(Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next);
}
