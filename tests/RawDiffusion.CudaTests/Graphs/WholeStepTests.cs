using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Cuda;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Training;

namespace RawDiffusion.CudaTests;

/// <summary>Whole training and sampling steps on the GPU: recorded as graphs, launched kernel by kernel, and on the CPU.</summary>
public class WholeStepTests
{
    private static readonly UNetConfig Network = TinyTraining.Network(side: 8, 8, 16);

    [Fact]
    public void ATrainingStepIsOneGraphWithTheBitsOfSingleLaunches()
    {
        TestGpu.Require();
        var graph = Train(graphs: true);
        var single = Train(graphs: false);
        Assert.Equal(single.Results, graph.Results);
        Assert.Equal(single.Weights, graph.Weights);
        Assert.Equal(single.Ema, graph.Ema);
        Assert.Equal(single.Launches, graph.Launches);

        using var cpu = new CpuDevice(1);
        var onCpu = Train(cpu);
        Assert.All(onCpu.Results.Zip(graph.Results), pair =>
        {
            Assert.Equal(pair.First.Loss, pair.Second.Loss, 1e-4 * pair.First.Loss);
            Assert.Equal(pair.First.GradNorm, pair.Second.GradNorm, 1e-4 * pair.First.GradNorm);
        });
    }

    /// <summary>Ops rent memory for what they make, and a replayed graph does not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void FromTheThirdStepOnNoOpIsCalledIfThereAreGraphs(bool graphs)
    {
        TestGpu.Require();
        using var device = Open(graphs);
        using var training = new TinyTraining(device, Network);
        training.Run(0);
        training.Run(1);
        long raw = device.Memory.RawAllocations, live = device.Memory.LiveBytes;
        device.Memory.ResetPeak();
        training.Run(2);
        training.Run(3);
        Assert.Equal((raw, live), (device.Memory.RawAllocations, device.Memory.LiveBytes));
        Assert.Equal(graphs, device.Memory.PeakBytes == live);
    }

    [Theory]
    [InlineData("ddpm", 1)]
    [InlineData("ddim", 3)]
    [InlineData("dpmpp_2m", 1)]
    [InlineData("plms", 2)]
    public void ASamplingStepIsOneGraphWithTheBitsOfSingleLaunches(string sampler, double guidance)
    {
        TestGpu.Require();
        float[] graph = Sample(graphs: true), single = Sample(graphs: false);
        Assert.Equal(single, graph);
        using var cpu = new CpuDevice(1);
        Assert.All(SampleOn(cpu).Zip(graph), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));

        float[] Sample(bool graphs)
        {
            TestGpu.Require();
            using var device = Open(graphs);
            return SampleOn(device);
        }

        float[] SampleOn(Device device)
        {
            var unet = new UNet(Network);
            using var parameters = new ParameterSet(unet.Parameters, device, training: false);
            TinyTraining.Randomize(parameters);
            var model = new GenerativeModel(unet, device, DiffusionProcess.Linear(8), Network.Height, Network.Width);
            var sampling = new SamplingConfig { Sampler = NamedEnum<SamplerName>.Find(sampler)!.Value, Steps = sampler == "ddpm" ? 8 : 4, Eta = 0.5, Guidance = guidance };
            var images = ImageSampler.Run(model, new SampleRequest { Count = 5, BatchSize = 2, Sampler = sampling.Create(), Guidance = sampling.Guidance, Seed = 5, TrajectoryFrames = 2 });
            return [.. images.Pixels, .. images.Trajectory.SelectMany(frame => frame)];
        }
    }

    [Fact]
    public void ADenoiserWithStateIsCalledForEachStep()
    {
        using var gpu = TestGpu.Open(exact: false);
        var sampler = Samplers.Ddim(4);
        var plan = sampler.Plan(DiffusionProcess.Linear(10));
        using var start = new Tensor(gpu.Device, new Shape(1, 2)).Upload([0.5f, -1]);
        int calls = 0;
        Denoiser counting = (x, _) =>
        {
            calls++;
            return new Tensor(x.Device, x.Shape).CopyFrom(x);
        };
        using var called = new SamplingLoop(sampler, plan, counting, gpu.Device, start.Shape, seed: 1);
        called.Run(start).Dispose();
        Assert.Equal(4, calls);
        using var loop = new SamplingLoop(sampler, plan, counting, gpu.Device, start.Shape, seed: 1, replay: true);
        loop.Run(start).Dispose();
        loop.Run(start).Dispose();
        Assert.Equal(6, calls);
    }

    /// <summary>Steps that ask the network and steps that do not are two recordings; hooks, scaled inputs and numbers of their own are in them.</summary>
    [Fact]
    public void ATableWithHooksAndStepsOfItsOwnIsRecordedToo()
    {
        TestGpu.Require();
        var sampler = Samplers.DpmSolver2M(3);
        var rows = sampler.Plan(DiffusionProcess.Linear(8, Prediction.X0)).Rows;
        var noising = new StepRow { U = 0.9, W = [0], S = 0.4 };
        var table = new StepTable([rows[0], noising, rows[0] with { InputScale = 0.5 }, rows[1], noising, rows[1] with { Timestep = 2.5 }, rows[2]]).With("known", i => [0.1 * i, 0.2]);
        Assert.Equal(5, table.Evaluations);
        float[][] results = [.. ((bool[])[true, false]).Select(graphs =>
        {
            using var device = Open(graphs);
            var shape = new Shape(2, 3, 4, 3);
            using Tensor mask = new Tensor(device, shape).Upload([.. Enumerable.Range(0, (int)shape.Count).Select(i => i % 2f)]), known = new Tensor(device, shape).Upload([.. Enumerable.Range(0, (int)shape.Count).Select(i => MathF.Sin(i))]);
            int calls = 0;
            using var loop = new SamplingLoop(sampler, table, (x, timesteps) =>
            {
                calls++;
                var output = new Tensor(device, x.Shape);
                using var half = new Tensor(device, new Shape(1, 1)).Upload([0.5]);
                device.WeightedSum(half, [x], null, default, output);
                return output;
            }, device, shape, seed: 3, hooks: [new Redrawn(mask, known), new KnownPixels(mask, known)], replay: true);
            var drawn = new List<float>();
            for (int first = 0; first < 6; first += 2)
            {
                using Tensor start = loop.Start(first), result = loop.Run(start, first);
                drawn.AddRange(result.ToArray());
            }
            // The first launch does the work, the second records it.
            Assert.Equal(graphs ? 2 : 15, calls);
            return (float[])[.. drawn];
        })];
        Assert.Equal(results[1], results[0]);
        Assert.NotEqual(results[0][..72], results[0][72..144]);
    }

    private sealed class Redrawn(Tensor mask, Tensor known) : IStepHook
    {
        public void BeforeNetwork(SamplingStep s)
        {
            using var redrawn = new Tensor(s.X.Device, s.X.Shape);
            s.X.Device.WeightedSum(s.Coefficients("known"), [known], null, s.Noise(RandomPurpose.Noise), redrawn);
            s.X.Device.Blend(mask, redrawn, s.X, s.X);
        }
    }

    private static CudaDevice Open(bool graphs) => new(TestGpu.Options with { Graphs = graphs });

    private static Trained Train(bool graphs)
    {
        TestGpu.Require();
        using var device = Open(graphs);
        return Train(device);
    }

    private static Trained Train(Device device)
    {
        using var training = new TinyTraining(device, Network);
        StepResult[] results = [.. Enumerable.Range(0, 3).Select(training.Run)];
        return new Trained(results, training.Parameters.Values.ToArray(), training.Parameters.Ema!.ToArray(), device is CudaDevice ? TestGpu.Launches() : null);
    }

    private sealed record Trained(StepResult[] Results, float[] Weights, float[] Ema, long? Launches);
}
