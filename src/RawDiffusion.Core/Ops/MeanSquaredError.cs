namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>perSample[n] = mean over elements of (prediction − target)²; loss = mean over n of weights[n]·perSample[n].</summary>
    /// <param name="prediction">[N, …].</param>
    /// <param name="target">Like the prediction.</param>
    /// <param name="weights">[N]; ones if null.</param>
    /// <param name="perSample">[N].</param>
    /// <param name="loss">[1].</param>
    public void MeanSquaredError(Tensor prediction, Tensor target, Tensor? weights, Tensor perSample, Tensor loss)
    {
        const string op = nameof(MeanSquaredError);
        CheckTarget(op, prediction, target, weights);
        Written(op, "the errors per sample", perSample, new Shape(prediction.Shape.N));
        Written(op, "the loss", loss, new Shape(1));
        MeanSquaredErrorCore(prediction, target, weights, perSample, loss);
    }

    /// <summary>dprediction (+)= dloss·2·weights[n]·(prediction − target)/(N·elements per sample).</summary>
    public void MeanSquaredErrorBackward(Tensor dloss, Tensor prediction, Tensor target, Tensor? weights, Sink dprediction)
    {
        const string op = nameof(MeanSquaredErrorBackward);
        Check(op, "dloss", dloss, new Shape(1));
        CheckTarget(op, prediction, target, weights);
        if (Written(op, "dprediction", dprediction, prediction.Shape))
        {
            MeanSquaredErrorBackwardCore(dloss, prediction, target, weights, dprediction);
        }
    }

    /// <summary>Does <see cref="MeanSquaredError"/>, whose arguments have been checked.</summary>
    protected abstract void MeanSquaredErrorCore(Tensor prediction, Tensor target, Tensor? weights, Tensor perSample, Tensor loss);

    /// <summary>Does <see cref="MeanSquaredErrorBackward"/>, whose arguments have been checked.</summary>
    protected abstract void MeanSquaredErrorBackwardCore(Tensor dloss, Tensor prediction, Tensor target, Tensor? weights, Sink dprediction);

    private void CheckTarget(string op, Tensor prediction, Tensor target, Tensor? weights)
    {
        Check(op, prediction);
        Check(op, "the target", target, prediction.Shape);
        Check(op, "the weights", weights, new Shape(prediction.Shape.N));
    }
}

public sealed partial class Tape
{
    /// <summary>The loss L_simple of Ho et al. 2020, eq. 14, for a batch, with an optional weight for each sample.</summary>
    /// <param name="prediction">[N, …].</param>
    /// <param name="target">Like the prediction; no gradient goes back to it.</param>
    /// <param name="weights">[N]; ones if null.</param>
    /// <returns>The loss [1], and each sample's unweighted mean squared error [N], which is kept until the tape goes and has no gradient.</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit together.</exception>
    public (Tensor Loss, Tensor PerSample) MeanSquaredError(Tensor prediction, Tensor target, Tensor? weights = null)
    {
        const string op = "MeanSquaredError";
        var perSample = Keep(Make(op + ".per_sample", new Shape(prediction.Shape.N)));
        var loss = Make(op, new Shape(1));
        Device.MeanSquaredError(prediction, target, weights, perSample, loss);
        Record(op, loss, [prediction], [], dloss =>
            Device.MeanSquaredErrorBackward(dloss, prediction, target, weights, SinkOf(prediction)));
        return (loss, perSample);
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void MeanSquaredErrorCore(Tensor prediction, Tensor target, Tensor? weights, Tensor perSample, Tensor loss) =>
        Note(nameof(MeanSquaredError), [Read(prediction), Read(target), Read(weights), Write(perSample), Write(loss)], $"{prediction.Shape}",
            (device, on) => device.MeanSquaredError(on[prediction], on[target], on.OrNull(weights), on[perSample], on[loss]));

    /// <inheritdoc/>
    protected override void MeanSquaredErrorBackwardCore(Tensor dloss, Tensor prediction, Tensor target, Tensor? weights, Sink dprediction) =>
        Note(nameof(MeanSquaredErrorBackward), [Read(dloss), Read(prediction), Read(target), Read(weights), Into(dprediction)], $"{prediction.Shape}",
            (device, on) => device.MeanSquaredErrorBackward(on[dloss], on[prediction], on[target], on.OrNull(weights), on[dprediction]));
}
