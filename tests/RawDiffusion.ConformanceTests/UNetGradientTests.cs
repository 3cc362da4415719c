using RawDiffusion.Models;
using RawDiffusion.Testing;
using RawDiffusion.Training;

namespace RawDiffusion.ConformanceTests;

/// <summary>
/// The gradient of a whole objective, from the data set's bytes to the loss, against central finite differences in double precision, along
/// random directions in the space of all weights: (L(w + h·d) − L(w − h·d))/2h must be ∇L·d.
/// </summary>
public sealed class UNetGradientTests
{
    public static TheoryData<string> Configurations() => [.. Networks.Keys];

    private static readonly Dictionary<string, (UNetConfig Network, int ImageChannels, ObjectiveFactory Objective)> Networks = new()
    {
        ["plain"] = (new()
        {
            Height = 4,
            Width = 8,
            InChannels = 3,
            OutChannels = 3,
            BlockChannels = [6, 12],
            AttentionLevels = [1],
            LayersPerBlock = 1,
            NormGroups = 3,
        }, 3, Objectives.Simple),
        ["classes, heads, scale-shift, dropout, symmetric padding; planes, an extra output with a loss of its own"] = (new()
        {
            Height = 8,
            Width = 4,
            InChannels = 3,
            OutChannels = 2,
            BlockChannels = [4, 8, 8],
            AttentionLevels = [0],
            UpAttentionLevels = [1],
            LayersPerBlock = 1,
            NormGroups = 2,
            AttentionHeadDim = 4,
            TimeScaleShift = true,
            DownsamplePadding = 1,
            FlipSinToCos = true,
            FreqShift = 0,
            ClassEmbeddings = 4,
            Dropout = 0.3,
            MiddleScale = 1.4,
            TimeEmbeddingDim = 10,
        }, 1, TwoLosses.Make),
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public void GradientAgreesAlongRandomDirections(string name)
    {
        using var device = new ReferenceDevice { PoisonNewTensors = true };
        var (network, imageChannels, objective) = Networks[name];
        using var training = new TinyTraining(device, network, imageChannels: imageChannels, objective: objective);
        var values = training.Parameters.Values;
        var random = new Random(7);
        double[] weights = [.. values.ToArray<double>().Select(w => w + 0.1 * Gaussian(random))];
        double LossAt(double along, double[] direction)
        {
            values.Upload(weights.Zip(direction, (w, d) => w + along * d).ToArray());
            return training.Evaluate(training.Batch(0)).Loss;
        }

        LossAt(0, weights);
        double[] gradient = training.Parameters.Gradients!.ToArray<double>();
        for (int trial = 0; trial < 4; trial++)
        {
            double[] direction = [.. weights.Select(_ => Gaussian(random))];
            const double h = 1e-5;
            double expected = (LossAt(h, direction) - LossAt(-h, direction)) / (2 * h), actual = gradient.Zip(direction, (g, d) => g * d).Sum();
            Assert.Equal(expected, actual, 1e-6 * gradient.Zip(direction, (g, d) => Math.Abs(g * d)).Sum());
        }
    }

    private static double Gaussian(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
