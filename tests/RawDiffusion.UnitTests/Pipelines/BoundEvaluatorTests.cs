using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;

namespace RawDiffusion.UnitTests.Pipelines;

/// <summary>The bound of a network whose answer is known: a new U-Net's last convolution is zero, so it says 0.</summary>
public sealed class BoundEvaluatorTests
{
    private const int Side = 8, Timesteps = 12;

    private static readonly UNetConfig Network = new()
    {
        Height = Side,
        Width = Side,
        InChannels = 1,
        OutChannels = 1,
        BlockChannels = [4, 4],
        AttentionLevels = [],
        LayersPerBlock = 1,
        NormGroups = 2,
    };

    /// <summary>x̂_0 = 0, so each divergence is ½(e^d − 1 − d + c²·x_0²/σ²) whatever the noise: the sum is known to the last term but L_0.</summary>
    [Theory]
    [InlineData(ReverseVariance.FixedSmall)]
    [InlineData(ReverseVariance.FixedLarge)]
    public void TheTermsOfANetworkThatSaysNothingAreKnown(ReverseVariance variance)
    {
        using var model = new Fixture(Prediction.X0);
        var result = model.Run(new BoundRequest { Count = 3, Variance = variance, BatchSize = 2 });
        Assert.Equal(3, result.Images);
        var schedule = model.Process.Schedule;
        double squares = Enumerable.Range(0, 3).Average(image => Fixture.Image(image).Average(x => (double)x * x)), sum = result.Prior + result.Term(0);
        for (int t = 1; t < Timesteps; t++)
        {
            var posterior = schedule.Posterior(t);
            double sigma = variance == ReverseVariance.FixedLarge ? posterior.Beta : posterior.Variance, ratio = posterior.Variance / sigma;
            double expected = 0.5 * (ratio - 1 - Math.Log(ratio) + posterior.X0Coefficient * posterior.X0Coefficient * squares / sigma) / Math.Log(2);
            Assert.Equal(expected, result.Term(t), 1e-5 * expected);
            sum += result.Term(t);
        }
        Assert.Equal(sum, result.Value, 1e-9 * sum);
        Assert.Equal(Enumerable.Range(0, 3).Average(image => VariationalBound.PriorBits(schedule, Fixture.Image(image))), result.Prior, 1e-12);
        double mean = result.Totals.Average(), deviation = Math.Sqrt(result.Totals.Sum(x => (x - mean) * (x - mean)) / 2);
        Assert.Equal(deviation / Math.Sqrt(3), result.StandardError, 1e-12);
        Assert.Equal(result.Stretch(1, Timesteps), Enumerable.Range(1, Timesteps - 1).Sum(result.Term), 1e-9);
    }

    [Fact]
    public void AnImagesBoundDoesNotDependOnItsBatch()
    {
        using var model = new Fixture(Prediction.Epsilon);
        double[] one = [.. model.Run(new BoundRequest { Count = 5, BatchSize = 1, Seed = 4 }).Totals], all = [.. model.Run(new BoundRequest { Count = 5, BatchSize = 5, Seed = 4 }).Totals];
        Assert.Equal(one, all);
        Assert.Equal(one[..3], model.Run(new BoundRequest { Count = 3, BatchSize = 2, Seed = 4 }).Totals);
        Assert.NotEqual(one, model.Run(new BoundRequest { Count = 5, BatchSize = 5, Seed = 5 }).Totals);
    }

    /// <summary>A few terms of each image stand for all: over many seeds their sum is that of all terms, and the standard error is what it is off by.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void AFewTermsAreUnbiased(int terms)
    {
        using var model = new Fixture(Prediction.X0);
        const int images = 400;
        var few = model.Run(new BoundRequest { Count = images, TermsPerImage = terms, Clip = 1, Seed = 9 });
        var all = model.Run(new BoundRequest { Count = images, Seed = 9 });
        Assert.InRange(few.Value - all.Value, -4 * few.StandardError, 4 * few.StandardError);
        Assert.True(few.StandardError > all.StandardError);
        Assert.All(Enumerable.Range(1, Timesteps - 1), t => Assert.Equal(all.Term(t), few.Term(t), 0.2 * all.Term(t)));
    }

    [Fact]
    public void AStopLeavesTheImagesThatAreDone()
    {
        using var model = new Fixture(Prediction.X0);
        using var stop = new CancellationTokenSource();
        var result = model.Run(new BoundRequest { Count = 6, BatchSize = 2 }, share =>
        {
            if (share > 0.5)
            {
                stop.Cancel();
            }
        }, stop.Token);
        Assert.Equal(2, result.Images);
        Assert.Equal(model.Run(new BoundRequest { Count = 2, BatchSize = 2 }).Totals, result.Totals);
    }

    [Fact]
    public void WhatHasNoBoundIsRefusedInWords()
    {
        using var single = new Fixture(Prediction.X0, timesteps: 1);
        Assert.Contains("at least 2 timesteps", Refusal(single, new BoundRequest { Count = 1 }));
        using var blank = new Fixture(Prediction.Epsilon, zeroSnr: true);
        Assert.Contains("no signal at timestep 11", Refusal(blank, new BoundRequest { Count = 1 }));
        using var model = new Fixture(Prediction.X0);
        Assert.Contains("from 1 to 11", Refusal(model, new BoundRequest { Count = 1, TermsPerImage = 12 }));
        Assert.Contains("(0)", Refusal(model, new BoundRequest { Count = 0 }));
        static string Refusal(Fixture model, BoundRequest request) => Assert.Throws<ConfigurationException>(() => model.Run(request)).Message;
    }

    private sealed class Fixture : IDisposable
    {
        private readonly CpuDevice _device = new(2);
        private readonly ParameterSet _parameters;
        private readonly GenerativeModel _model;

        public Fixture(Prediction prediction, int timesteps = Timesteps, bool zeroSnr = false)
        {
            var schedule = NoiseSchedule.Linear(timesteps, 0.01, 0.4);
            Process = new DiffusionProcess(zeroSnr ? schedule.RescaleZeroTerminalSnr() : schedule, prediction);
            var network = new UNet(Network);
            _parameters = new ParameterSet(network.Parameters, _device, training: false);
            _parameters.Initialize(1);
            _model = new GenerativeModel(network, _device, Process, Side, Side);
        }

        public DiffusionProcess Process { get; }

        public static float[] Image(int image) => [.. Enumerable.Range(0, Side * Side).Select(i => (float)(((i * 37 + image * 101) % 256) / 127.5 - 1))];

        public BoundResult Run(BoundRequest request, Action<double>? progress = null, CancellationToken stop = default) => BoundEvaluator.Run(_model, request, (first, target) =>
        {
            for (int at = 0, image = first; at < target.Length; at += Side * Side, image++)
            {
                Image(image).CopyTo(target, at);
            }
        }, progress: progress, stop: stop);

        public void Dispose()
        {
            _parameters.Dispose();
            _device.Dispose();
        }
    }
}
