using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Models;
using RawDiffusion.Training;

namespace RawDiffusion.CudaTests;

/// <summary>What the device without memory says of a training step is what the GPU does.</summary>
public class ShapeDeviceTests
{
    /// <summary>The kernels that an op launches exactly once, whatever its extents, by which it is known in a trace.</summary>
    private static readonly Dictionary<string, string> _opOf = new()
    {
        ["group_norm_forward"] = nameof(Device.GroupNorm),
        ["group_norm_backward"] = nameof(Device.GroupNormBackward),
        ["attention_softmax"] = nameof(Device.Attention),
        ["attention_softmax_backward"] = nameof(Device.AttentionBackward),
        ["sum_of_squares_total"] = nameof(Device.SumOfSquares),
        ["adam_step"] = nameof(Device.AdamStep),
    };

    private static readonly UNetConfig _network = TinyTraining.Network(side: 8, 8, 16);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ATrainingStepTakesWhatTheShapeDeviceSays(bool graphs)
    {
        TestGpu.Require();
        using var gpu = new CudaDevice(TestGpu.Options with { Graphs = graphs });
        using var shapes = new ShapeDevice(gpu);
        Assert.Equal(Train(gpu), Train(shapes));

        static (long Peak, long Held, long Raw) Train(Device device)
        {
            using var training = new TinyTraining(device, _network, batch: 3);
            for (int step = 0; step < 3; step++)
            {
                training.Run(step);
            }
            return (device.Memory.PeakBytes, device.Memory.HeldBytes, device.Memory.RawAllocations);
        }
    }

    [Fact]
    public void TheOpsOfATrainingStepAreThoseWhoseKernelsAreLaunched()
    {
        TestGpu.Require();
        using var gpu = new CudaDevice(TestGpu.Options with { Graphs = false });
        using var training = new TinyTraining(gpu, _network);
        training.Run(0);
        using var trace = new LaunchTrace(gpu.Stream);
        gpu.Stream.Trace = trace;
        training.Run(1);
        gpu.Stream.Trace = null;
        string[] kernels = [.. trace.End().Select(piece => piece.Name)];

        using var shapes = new ShapeDevice(gpu);
        using var rehearsed = new TinyTraining(shapes, _network);
        rehearsed.Run(0);
        string[] ops = [.. shapes.Calls.Select(call => call.Op)];

        string[] launched = [.. kernels.Where(_opOf.ContainsKey).Select(kernel => _opOf[kernel])];
        Assert.Equal(_opOf.Values.Order(), launched.Distinct().Order());
        Assert.Equal(ops.Where(_opOf.ContainsValue), launched);
        // What has a kernel of its name for every call, also where it shares it with others, is there as often.
        Assert.Equal(ops.Count(op => op == nameof(Device.Conv2d)) + ops.Count(op => op == nameof(Device.Conv2dBackwardInput)) + Strided(shapes),
            kernels.Count(kernel => kernel.StartsWith("conv2d_", StringComparison.Ordinal) && kernel.Contains('x') && !kernel.Contains("weights")));
        Assert.Equal(ops.Count(op => op == nameof(Device.Conv2dBackwardWeight)), kernels.Count(kernel => kernel.StartsWith("conv2d_weights_", StringComparison.Ordinal)));
    }

    /// <summary>Launches beyond the first of gradients with a stride: one for each remainder.</summary>
    private static int Strided(ShapeDevice shapes) => shapes.Calls.Where(call => call.Op == nameof(Device.Conv2dBackwardInput))
        .Sum(call => ((ConvGeometry)call.Settings!).Stride * ((ConvGeometry)call.Settings!).Stride - 1);
}
