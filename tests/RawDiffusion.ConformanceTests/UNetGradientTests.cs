using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Testing;

namespace RawDiffusion.ConformanceTests;

/// <summary>
/// The gradient of the whole network against central finite differences in double precision, along random directions in the space of all
/// weights and inputs: (L(w + h·d) − L(w − h·d))/2h must be ∇L·d.
/// </summary>
public sealed class UNetGradientTests
{
    public static TheoryData<string> Configurations() => [.. Networks.Keys];

    private static readonly Dictionary<string, UNetConfig> Networks = new()
    {
        ["plain"] = new()
        {
            Height = 4,
            Width = 8,
            InChannels = 3,
            OutChannels = 3,
            BlockChannels = [6, 12],
            AttentionLevels = [1],
            LayersPerBlock = 1,
            NormGroups = 3,
        },
        ["classes, heads, scale-shift, dropout, symmetric padding"] = new()
        {
            Height = 8,
            Width = 4,
            InChannels = 1,
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
            ClassEmbeddings = 5,
            Dropout = 0.3,
            MiddleScale = 1.4,
            TimeEmbeddingDim = 10,
        },
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public void GradientAgreesAlongRandomDirections(string name)
    {
        using var device = new ReferenceDevice { PoisonNewTensors = true };
        var network = new UNet(Networks[name]);
        using var parameters = new ParameterSet(network.Parameters, device, training: true);
        parameters.Initialize(1);
        var random = new Random(7);
        // The paper's zero convolutions would hide most of the network: start them, too, from something.
        double[] weights = [.. parameters.Values.ToArray<double>().Select((w, i) => w + 0.1 * Gaussian(random))];
        parameters.Values.Upload(weights);
        var config = network.Config;
        var shape = new Shape(2, config.Height, config.Width, config.InChannels);
        using var x = new Tensor(device, shape).Upload(Enumerable.Range(0, (int)shape.Count).Select(_ => Gaussian(random)).ToArray());
        using var target = new Tensor(device, shape.WithChannels(config.OutChannels));
        target.Upload(Enumerable.Range(0, (int)target.Shape.Count).Select(_ => Gaussian(random)).ToArray());
        using var timesteps = new Tensor(device, new Shape(2)).Upload([3.0, 640.0]);
        using var labels = config.ClassEmbeddings is null ? null : new Tensor(device, new Shape(2), DType.Int32).Upload([4, 1]);
        using var position = new Tensor(device, new Shape(2), DType.Int32).Upload([5, 0]);

        double Loss(bool backward)
        {
            using var tape = new Tape(device, recording: true);
            var output = network.Forward(tape, x, timesteps, labels, new DropoutContext(9, position));
            var (loss, _) = tape.MeanSquaredError(output, target);
            if (backward)
            {
                tape.Backward(loss);
            }
            return loss.ToArray<double>()[0];
        }

        Loss(backward: true);
        parameters.ClearMissingGradients();
        double[] gradient = parameters.Gradients!.ToArray<double>();
        for (int trial = 0; trial < 4; trial++)
        {
            double[] direction = [.. weights.Select(_ => Gaussian(random))];
            const double h = 1e-5;
            parameters.Values.Upload(weights.Zip(direction, (w, d) => w + h * d).ToArray());
            double above = Loss(backward: false);
            parameters.Values.Upload(weights.Zip(direction, (w, d) => w - h * d).ToArray());
            double below = Loss(backward: false);
            double expected = (above - below) / (2 * h), actual = gradient.Zip(direction, (g, d) => g * d).Sum();
            Assert.Equal(expected, actual, 1e-6 * gradient.Zip(direction, (g, d) => Math.Abs(g * d)).Sum());
        }
    }

    private static double Gaussian(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
