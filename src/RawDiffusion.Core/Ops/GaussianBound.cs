namespace RawDiffusion.Core;

/// <summary>
/// The columns of the table of <see cref="Device.GaussianBound"/>: what a term of the variational bound needs to know of its sample's timestep.
/// </summary>
public enum BoundColumn
{
    /// <summary>p of x̂_0 = p·x_t + q·prediction.</summary>
    P,

    /// <summary>q of x̂_0 = p·x_t + q·prediction.</summary>
    Q,

    /// <summary>How far from 0 x̂_0 may be; +∞ for any distance.</summary>
    Clip,

    /// <summary>The factor of x_0 in the mean of q(x_{t−1} | x_t, x_0).</summary>
    X0Coefficient,

    /// <summary>The logarithm of the model's variance where the range's output is −1: ln β̃_t.</summary>
    LowLogVariance,

    /// <summary>That where it is 1, and where the variance is not learned: ln β_t.</summary>
    HighLogVariance,

    /// <summary>The logarithm of the variance of q(x_{t−1} | x_t, x_0).</summary>
    PosteriorLogVariance,

    /// <summary>What the term is: a <see cref="BoundTerm"/>.</summary>
    Term,
}

/// <summary>What a term of the variational bound is.</summary>
public enum BoundTerm
{
    /// <summary>D_KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)).</summary>
    Divergence,

    /// <summary>−ln p(x_0 | x_1), the probability of the byte that x_0 is: its normal distribution between the neighbouring bytes' borders (Ho et al. 2020, eq. 13).</summary>
    Decoder,

    /// <summary>
    /// The decoder as Ho et al. and improved-diffusion compute it: Φ by a hyperbolic tangent, off by up to 3·10⁻⁴, and probabilities below 10⁻¹² counted as that, which
    /// bounds the term.
    /// </summary>
    TanhDecoder,
}

public abstract partial class Device
{
    /// <summary>Columns of the table of <see cref="GaussianBound"/>.</summary>
    public const int BoundColumns = (int)BoundColumn.Term + 1;

    /// <summary>
    /// A term of the variational bound for each sample, in bits per dimension: perSample[n] = mean over elements of the term its row says, divided by ln 2;
    /// loss = mean over n of weights[n]·perSample[n]. x̂_0 = clamp(p·x_t + q·prediction, −clip, clip) is the model's, x_0 = p·x_t + q·target the truth; the means of
    /// the two normal distributions differ by x0Coefficient·(x_0 − x̂_0). The model's log-variance is high·(r+1)/2 + low·(1−r)/2 for the range's output r (Nichol and
    /// Dhariwal 2021, eq. 15), and high without a range.
    /// </summary>
    /// <param name="prediction">What the network said, [N, …].</param>
    /// <param name="range">The network's variance r, like the prediction; null for a variance that is not learned.</param>
    /// <param name="xt">x_t, like the prediction.</param>
    /// <param name="target">What the network was to say, like the prediction.</param>
    /// <param name="rows">[N, <see cref="BoundColumns"/>], see <see cref="BoundColumn"/>.</param>
    /// <param name="weights">[N]; ones if null.</param>
    /// <param name="perSample">[N].</param>
    /// <param name="loss">[1].</param>
    public void GaussianBound(Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Tensor perSample, Tensor loss)
    {
        const string op = nameof(GaussianBound);
        CheckBound(op, prediction, range, xt, target, rows, weights);
        Written(op, "the bits per sample", perSample, new Shape(prediction.Shape.N));
        Written(op, "the loss", loss, new Shape(1));
        GaussianBoundCore(prediction, range, xt, target, rows, weights, perSample, loss);
    }

    /// <summary>The gradients of <see cref="GaussianBound"/>'s loss; where x̂_0 is clipped, the prediction has none.</summary>
    public void GaussianBoundBackward(
        Tensor dloss, Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Sink dprediction, Sink drange)
    {
        const string op = nameof(GaussianBoundBackward);
        Check(op, "dloss", dloss, new Shape(1));
        CheckBound(op, prediction, range, xt, target, rows, weights);
        if (range is null && drange.IsWanted)
        {
            throw new ArgumentException($"{op}: there is no range, so nothing goes into {drange.Tensor}.");
        }
        bool toPrediction = Written(op, "dprediction", dprediction, prediction.Shape), toRange = Written(op, "drange", drange, prediction.Shape);
        if (toPrediction || toRange)
        {
            GaussianBoundBackwardCore(dloss, prediction, range, xt, target, rows, weights, dprediction, drange);
        }
    }

    /// <summary>Does <see cref="GaussianBound"/>, whose arguments have been checked.</summary>
    protected abstract void GaussianBoundCore(
        Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Tensor perSample, Tensor loss);

    /// <summary>Does <see cref="GaussianBoundBackward"/>, whose arguments have been checked.</summary>
    protected abstract void GaussianBoundBackwardCore(
        Tensor dloss, Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Sink dprediction, Sink drange);

    private void CheckBound(string op, Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights)
    {
        Check(op, prediction);
        Check(op, "the range", range, prediction.Shape);
        Check(op, "x_t", xt, prediction.Shape);
        Check(op, "the target", target, prediction.Shape);
        Check(op, "the rows", rows, new Shape(prediction.Shape.N, BoundColumns));
        Check(op, "the weights", weights, new Shape(prediction.Shape.N));
    }
}

public sealed partial class Tape
{
    /// <summary>The variational bound's term of each sample, in bits per dimension, with an optional weight: see <see cref="Device.GaussianBound"/>.</summary>
    /// <param name="prediction">[N, …].</param>
    /// <param name="range">The learned variance, like the prediction; null for a variance that is not learned.</param>
    /// <param name="xt">Like the prediction; no gradient goes back to it.</param>
    /// <param name="target">Like the prediction; no gradient goes back to it.</param>
    /// <param name="rows">[N, <see cref="Device.BoundColumns"/>].</param>
    /// <param name="weights">[N]; ones if null.</param>
    /// <param name="stopMean">Whether the prediction gets no gradient, so that the bound trains the variance alone (Nichol and Dhariwal 2021, section 3.1).</param>
    /// <returns>The loss [1], and each sample's unweighted bits per dimension [N], which are kept until the tape goes and have no gradient.</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit together.</exception>
    public (Tensor Loss, Tensor PerSample) GaussianBound(
        Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights = null, bool stopMean = false)
    {
        const string op = "GaussianBound";
        var perSample = Keep(Make(op + ".per_sample", new Shape(prediction.Shape.N)));
        var loss = Make(op, new Shape(1));
        Device.GaussianBound(prediction, range, xt, target, rows, weights, perSample, loss);
        Record(op, loss, stopMean ? [range] : [prediction, range], [], dloss => Device.GaussianBoundBackward(
            dloss, prediction, range, xt, target, rows, weights, stopMean ? Sink.None : SinkOf(prediction), SinkOf(range)));
        return (loss, perSample);
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void GaussianBoundCore(
        Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Tensor perSample, Tensor loss) =>
        Note(nameof(GaussianBound),
            [Read(prediction), Read(range), Read(xt), Read(target), Read(rows), Read(weights), Write(perSample), Write(loss)], $"{prediction.Shape}",
            (device, on) => device.GaussianBound(
                on[prediction], on.OrNull(range), on[xt], on[target], on[rows], on.OrNull(weights), on[perSample], on[loss]));

    /// <inheritdoc/>
    protected override void GaussianBoundBackwardCore(
        Tensor dloss, Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Sink dprediction, Sink drange) =>
        Note(nameof(GaussianBoundBackward),
            [Read(dloss), Read(prediction), Read(range), Read(xt), Read(target), Read(rows), Read(weights), Into(dprediction), Into(drange)], $"{prediction.Shape}",
            (device, on) => device.GaussianBoundBackward(
                on[dloss], on[prediction], on.OrNull(range), on[xt], on[target], on[rows], on.OrNull(weights), on[dprediction], on[drange]));
}
