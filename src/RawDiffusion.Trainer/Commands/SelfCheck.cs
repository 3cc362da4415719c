using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Images;
using RawDiffusion.Models;
using RawDiffusion.Training;

namespace RawDiffusion.Trainer.Commands;

/// <summary>Quick checks that a machine computes rightly; the test suites do the same op by op.</summary>
internal static class SelfCheck
{
    // A finite difference in single precision is worth about three digits.
    private const double Tolerance = 0.02;

    private static readonly UNetConfig Tiny = new()
    {
        Height = 16,
        Width = 16,
        InChannels = 3,
        OutChannels = 3,
        BlockChannels = [16, 32],
        AttentionLevels = [1],
        LayersPerBlock = 1,
        NormGroups = 8,
        ClassEmbeddings = 4,
    };

    /// <summary>Each check by its name; it returns what is wrong, or null.</summary>
    public static IReadOnlyList<(string Name, Func<Device, string?> Check)> All { get; } =
    [
        ("random numbers", RandomNumbers),
        ("pictures", Pictures),
        ("gradients", Gradients),
        ("threads", Threads),
    ];

    /// <summary>A training step on another device must bring the loss and the gradient that it brings on the CPU.</summary>
    /// <returns>What differs, or null.</returns>
    public static string? SameStep(Device device, Device cpu)
    {
        const double Tolerance = 1e-4;
        using var there = new TinyTraining(device);
        using var here = new TinyTraining(cpu);
        var (a, b) = (there.Evaluate(0), here.Evaluate(0));
        bool same = Math.Abs(a.Loss - b.Loss) <= Tolerance * b.Loss && Math.Abs(a.GradNorm - b.GradNorm) <= Tolerance * b.GradNorm;
        return same ? null : $"it computes loss {a.Loss:R} and gradient {a.GradNorm:R}, the CPU {b.Loss:R} and {b.GradNorm:R}";
    }

    /// <summary>The known answer of Philox 4×32-10 for a counter and key of all ones.</summary>
    private static string? RandomNumbers(Device device) =>
        Philox.Block(new UInt4(~0u, ~0u, ~0u, ~0u), ~0ul) == new UInt4(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu) ? null : "Philox does not give its known answer";

    private static string? Pictures(Device device)
    {
        var image = new Image(5, 7, 3, [.. Enumerable.Range(0, 5 * 7 * 3).Select(i => (byte)(i * 31))]);
        return PngReader.Read(PngWriter.Encode(image)).Pixels.AsSpan().SequenceEqual(image.Pixels) ? null : "a PNG that was written does not read back alike";
    }

    /// <summary>A step along the gradient must raise the loss by as much as the gradient is long.</summary>
    private static string? Gradients(Device device)
    {
        const double Step = 1e-2;
        using var network = new TinyTraining(device);
        var (loss, norm) = network.Evaluate(0);
        double measured = (network.Evaluate(Step).Loss - network.Evaluate(-Step).Loss) / (2 * Step);
        double error = Math.Abs(measured - norm) / norm;
        return double.IsFinite(loss) && error < Tolerance ? null : $"the gradient's norm is {norm:G6}, but finite differences say {measured:G6}";
    }

    private static string? Threads(Device device)
    {
        using var one = new CpuDevice(1);
        using var alone = new TinyTraining(one);
        using var together = new TinyTraining(device);
        var (a, b) = (alone.Evaluate(0), together.Evaluate(0));
        return a == b ? null : $"one thread computes loss {a.Loss:R} and gradient {a.GradNorm:R}, all threads {b.Loss:R} and {b.GradNorm:R}";
    }

    /// <summary>A small network with random weights and a batch, to be evaluated at places along its gradient.</summary>
    private sealed class TinyTraining : IDisposable
    {
        private const int BatchSize = 4;
        private readonly ParameterSet _parameters;
        private readonly Adam _adam;
        private readonly TrainingStep _step;
        private readonly float[] _weights;
        private float[]? _direction;

        public TinyTraining(Device device)
        {
            var unet = new UNet(Tiny);
            _parameters = new ParameterSet(unet.Parameters, device, training: true);
            _parameters.Initialize(1);
            var random = new Random(1);
            // Layers that start at zero would hide what is behind them.
            _weights = [.. _parameters.Values.ToArray().Select(weight => weight == 0 ? (float)(random.NextDouble() - 0.5) * 0.2f : weight)];
            _adam = new Adam(_parameters, new AdamOptions { MaxNorm = double.PositiveInfinity });
            _step = new TrainingStep(unet, _adam, new DiffusionConfig(), device, new Shape(BatchSize, Tiny.Height, Tiny.Width, Tiny.InChannels), seed: 1);
            var pixels = new byte[BatchSize * Tiny.Height * Tiny.Width * Tiny.InChannels];
            random.NextBytes(pixels);
            _step.SetPixels(pixels);
            _step.SetLabels([0, 1, 2, 3]);
        }

        /// <summary>Loss and gradient norm at the weights plus a multiple of the gradient's direction at the weights.</summary>
        public StepResult Evaluate(double along)
        {
            _parameters.Values.Upload([.. _weights.Select((weight, i) => along == 0 ? weight : (float)(weight + along * _direction![i]))]);
            var result = _step.Run(0, [100, 300, 500, 900], learningRate: 0, emaDecay: 0);
            _direction ??= [.. _parameters.Gradients!.ToArray().Select(gradient => (float)(gradient / result.GradNorm))];
            return result;
        }

        public void Dispose()
        {
            _step.Dispose();
            _adam.Dispose();
            _parameters.Dispose();
        }
    }
}
