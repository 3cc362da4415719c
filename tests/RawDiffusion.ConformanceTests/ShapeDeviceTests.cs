using System.Reflection;
using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Training;

namespace RawDiffusion.ConformanceTests;

/// <summary>What the device without memory says of steps and ops is what a device with memory does.</summary>
public class ShapeDeviceTests
{
    private static readonly Dictionary<string, UNetConfig> _networks = new()
    {
        ["classes, attention, dropout"] = TinyTraining.Network(16, 16, 32),
        ["scale and shift, heads, no classes"] = TinyTraining.Network(8, 12, 20, 36) with
        {
            TimeScaleShift = true,
            AttentionHeadDim = 4,
            NormGroups = 4,
            ClassEmbeddings = null,
            Dropout = 0,
            LayersPerBlock = 2,
        },
        ["wide enough for split sums"] = TinyTraining.Network(8, 64, 96) with { NormGroups = 32 },
        ["one level, attention everywhere"] = TinyTraining.Network(8, 16),
    };

    public static TheoryData<string, int> Networks => new(from name in _networks.Keys from threads in (int[])[1, 3] select (name, threads));

    [Theory]
    [MemberData(nameof(Networks))]
    public void ATrainingStepTakesWhatTheShapeDeviceSays(string network, int threads)
    {
        using var cpu = new CpuDevice(threads);
        using var shapes = new ShapeDevice(cpu);
        Same(cpu, shapes, threads, device =>
        {
            using var training = new TinyTraining(device, _networks[network], batch: 5);
            for (int step = 0; step < 3; step++)
            {
                training.Run(step);
            }
            return Seen(device);
        });
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void SamplingTakesWhatTheShapeDeviceSays(string network, int threads)
    {
        using var cpu = new CpuDevice(threads);
        using var shapes = new ShapeDevice(cpu);
        Same(cpu, shapes, threads, device =>
        {
            var unet = new UNet(_networks[network]);
            using var parameters = new ParameterSet(unet.Parameters, device, training: false);
            var model = new GenerativeModel(unet, device, DiffusionProcess.Linear(20), unet.Config.Height, unet.Config.Width);
            foreach (var sampler in (Sampler[])[Samplers.Ddim(3), Samplers.DpmSolver2M(3), Samplers.Plms(5)])
            {
                ImageSampler.Run(model, new SampleRequest { Count = 7, BatchSize = 4, Sampler = sampler, Guidance = model.Classes > 0 ? 2 : 1 });
            }
            return Seen(device);
        });
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void AForwardPassThatNobodyRecordsTakesWhatTheShapeDeviceSays(string network, int threads)
    {
        using var cpu = new CpuDevice(threads);
        using var shapes = new ShapeDevice(cpu);
        Same(cpu, shapes, threads, device =>
        {
            var unet = new UNet(_networks[network]);
            using var parameters = new ParameterSet(unet.Parameters, device, training: false);
            using var x = new Tensor(device, new Shape(3, unet.Config.Height, unet.Config.Width, unet.Config.InChannels)).Clear();
            using var timesteps = new Tensor(device, new Shape(3)).Clear();
            using var labels = unet.Config.ClassEmbeddings is null ? null : new Tensor(device, new Shape(3), DType.Int32).Clear();
            var model = new GenerativeModel(unet, device, DiffusionProcess.Linear(20), unet.Config.Height, unet.Config.Width);
            model.Predict(new NetworkInput(x, timesteps, new Condition(labels, null))).Dispose();
            return Seen(device);
        });
    }

    /// <summary>Every op notes a call of its own name, which brings the same call wherever it is run again.</summary>
    [Fact]
    public void EveryCaseIsNotedAndCanBeRunElsewhere()
    {
        var seen = new HashSet<string>();
        foreach (var opCase in OpCases.All)
        {
            using var second = new ShapeDevice();
            using var cpu = new CpuDevice(1);
            foreach (var call in opCase.Calls)
            {
                seen.Add(call.Op);
                Assert.True(call.Bytes > 0, $"{call} of {opCase} moves nothing");
                using var onShapes = new StandIns(second);
                using var onCpu = new StandIns(cpu);
                call.Run(onShapes);
                call.Run(onCpu);
                Assert.Equal(call.ToString(), second.Calls[^1].ToString());
                Assert.Equal((call.Flops, call.Bytes), (second.Calls[^1].Flops, second.Calls[^1].Bytes));
            }
        }
        var contract = typeof(Device).GetMethods(BindingFlags.NonPublic | BindingFlags.Instance).Where(method => method.IsAbstract && method.Name.EndsWith("Core", StringComparison.Ordinal));
        Assert.Equal(contract.Select(method => method.Name[..^"Core".Length]).Order(), seen.Order());
    }

    [Fact]
    public void OperationsAndBytesAreWhatPaperSays()
    {
        using var device = new ShapeDevice();
        using var tape = new Tape(device, recording: true);
        using Tensor x = new(device, new Shape(2, 8, 8, 16)), w = new(device, new Shape(32, 3, 3, 16)), bias = new(device, new Shape(32)), matrix = new(device, new Shape(4, 32));
        w.RequiresGradient = true;
        var y = tape.Linear(tape.Conv2d(x, w, bias), matrix, null);
        using var cotangent = new Tensor(device, y.Shape);
        tape.Backward(y, cotangent);
        Assert.Equal(["Conv2d", "Linear", "LinearBackwardInput", "Conv2dBackwardWeight"], device.Calls.Select(call => call.Op));
        const long convolution = 2L * 2 * 8 * 8 * 32 * 3 * 3 * 16, product = 2L * 128 * 32 * 4;
        Assert.Equal([convolution, product, product, convolution], device.Calls.Select(call => call.Flops));
        long image = x.Bytes, weights = w.Bytes, wide = 128 * 32 * sizeof(float), narrow = 128 * 4 * sizeof(float);
        Assert.Equal(
            [image + weights + bias.Bytes + wide, wide + matrix.Bytes + narrow, narrow + matrix.Bytes + wide, image + wide + weights],
            device.Calls.Select(call => call.Bytes));
    }

    private static (long Peak, long Held, long Raw) Seen(Device device) => (device.Memory.PeakBytes, device.Memory.HeldBytes, device.Memory.RawAllocations);

    private static void Same(CpuDevice cpu, ShapeDevice shapes, int threads, Func<Device, (long Peak, long Held, long Raw)> run)
    {
        Assert.Equal(run(cpu), run(shapes));
        Assert.Equal(0, shapes.Memory.LiveBlocks);
        Assert.InRange(cpu.ScratchBytes, 1, shapes.HeldBy<CpuScratchPlace>());
        if (threads == 1)
        {
            // Of several workers, not each gets every op's largest task.
            Assert.Equal(shapes.HeldBy<CpuScratchPlace>(), cpu.ScratchBytes);
        }
    }
}
