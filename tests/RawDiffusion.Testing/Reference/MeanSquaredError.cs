using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void MeanSquaredErrorCore(Tensor prediction, Tensor target, Tensor? weights, Tensor perSample, Tensor loss)
    {
        var predictions = Reals(prediction);
        var targets = Reals(target);
        var factors = RealsOrNone(weights);
        var errors = Reals(perSample);
        int samples = prediction.Shape.N, elements = predictions.Length / samples;
        double sum = 0;
        for (int n = 0; n < samples; n++)
        {
            double squares = 0;
            for (int i = n * elements; i < (n + 1) * elements; i++)
            {
                squares += Math.Pow(predictions[i] - targets[i], 2);
            }
            errors[n] = squares / elements;
            sum += (weights is null ? 1 : factors[n]) * errors[n];
        }
        Reals(loss)[0] = sum / samples;
    }

    /// <inheritdoc/>
    protected override void MeanSquaredErrorBackwardCore(Tensor dloss, Tensor prediction, Tensor target, Tensor? weights, Sink dprediction)
    {
        var predictions = Reals(prediction);
        var targets = Reals(target);
        var factors = RealsOrNone(weights);
        var gradients = Start(dprediction);
        int elements = predictions.Length / prediction.Shape.N;
        for (int i = 0; i < predictions.Length; i++)
        {
            double weight = weights is null ? 1 : factors[i / elements];
            AddTo(gradients, i, Reals(dloss)[0] * 2 * weight * (predictions[i] - targets[i]) / predictions.Length);
        }
    }
}
