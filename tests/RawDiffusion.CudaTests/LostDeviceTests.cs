using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Interop;
using RawDiffusion.Models;
using RawDiffusion.Testing;
using RawDiffusion.Training.Loop;

namespace RawDiffusion.CudaTests;

/// <summary>
/// A launch fails in a way that ends the context: the device is lost, every call from then on fails at once with the first error, and
/// clearing up does not fail.
/// </summary>
public class LostDeviceTests
{
    private const int IllegalAddress = 700, LaunchFailed = 719;

    private static readonly UNetConfig Network = TinyTraining.Network(side: 8, 4);

    /// <summary>Launches of a graph and single ones in turn, and with either error: what comes of them is the same.</summary>
    [Fact]
    public void AnyLaunchOfATrainingStepMayBeTheLast()
    {
        TestGpu.RequireEmulated();
        var expected = Step(graphs: true, _ => { });
        StepResult? result;
        int n = 0;
        do
        {
            n++;
            var (code, name) = n / 2 % 2 == 0 ? (IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS") : (LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED");
            result = Step(graphs: n % 2 == 0, lost => AssertLost(lost, name), n, code);
        }
        while (result is null);
        Assert.Equal(expected, result);
        Assert.True(n > 100, $"the step has {n - 1} launches");
    }

    [Fact]
    public void ClearingUpDoesNotFailAndTheNextCallTellsTheFirstError()
    {
        using var emulated = TestGpu.OpenEmulated();
        var device = emulated.Device;
        var x = emulated.Upload(1, 2);
        var graph = device.Capture(() => device.LinearCombination(2, x, 0, null, x));
        EmulatedDriver.FailLaunch(1);
        graph.Launch();
        emulated.Make(3).Dispose();                 // gives memory back to the driver, which waits
        Assert.True(device.IsLost);
        graph.Dispose();
        Assert.Contains("kernel linear_combination, as ordered", Assert.Throws<DeviceException>(() => x.ToArray()).Message);
    }

    [Fact]
    public void AGraphThatHasFailedIsDisposed()
    {
        using var emulated = TestGpu.OpenEmulated(exact: false);
        var device = emulated.Device;
        var x = emulated.Upload(1, 2);
        var graph = device.Capture(() => device.LinearCombination(2, x, 0, null, x));
        EmulatedDriver.FailLaunch(1);
        graph.Launch();
        graph.Dispose();
        Assert.True(device.IsLost);
        Assert.Contains("kernel linear_combination, as ordered", Assert.Throws<DeviceException>(() => x.ToArray()).Message);
    }

    /// <summary>cuBLAS says no more than that it cannot: the driver is asked why.</summary>
    [Fact]
    public void AMatrixProductAfterAFaultTellsTheFault()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(1, 2, 3, 4);
        EmulatedDriver.FailLaunch(1);
        emulated.Device.LinearCombination(2, x, 0, null, x);
        Assert.Equal(CuResult.LaunchFailed, CudaDriver.cuStreamSynchronize(emulated.Stream.Value));
        Assert.False(emulated.Device.IsLost);
        var failure = Assert.Throws<DeviceException>(() => emulated.Device.Blas.Multiply(false, false, 2, 2, 2, 1, x.Address, 2, x.Address, 2, 0, x.Address, 2));
        Assert.Contains("CUDA_ERROR_LAUNCH_FAILED", failure.Message);
        Assert.True(emulated.Device.IsLost);
    }

    /// <summary>A step on a new device whose nth launch fails; null if it failed.</summary>
    private static StepResult? Step(bool graphs, Action<LostTraining> lost, int failing = 0, int code = 0)
    {
        EmulatedDriver.Start();
        StepResult? result = null;
        using (var device = new CudaDevice(new CudaOptions { Cache = EmulatedDriver.Cache, CompileAhead = false, Graphs = graphs }))
        {
            using var training = new TinyTraining(device, Network, batch: 1);
            device.Synchronize();
            EmulatedDriver.FailLaunch(failing, code);
            try
            {
                result = training.Run(0);
            }
            catch (DeviceException e)
            {
                lost(new LostTraining(device, training, e));
            }
        }
        Assert.Equal(0, EmulatedDriver.Contexts());
        // Memory cannot be given back to a lost context and goes with it; everything else is destroyed one by one.
        Assert.Matches("^$|^[0-9]+ device allocations of [0-9]+ bytes, 0 pinned allocations, 0 streams, 0 events, 0 graphs, 0 instantiated graphs, 0 modules$", EmulatedDriver.Leaks());
        return result;
    }

    private static void AssertLost(LostTraining lost, string name)
    {
        Assert.True(lost.Device.IsLost);
        Assert.Contains(name, lost.First.Message);
        Assert.Contains("as ordered", lost.First.Message);
        Assert.Contains("the last checkpoint is valid: resume from it", lost.First.Message);
        long launches = EmulatedDriver.Launches();
        foreach (Action use in (Action[])[() => lost.Training.Run(1), lost.Device.Synchronize, () => lost.Training.Parameters.Values.ToArray()])
        {
            var again = Assert.Throws<DeviceException>(use);
            Assert.Equal($"Emulated GPU was lost by an earlier error: {lost.First.Message}", again.Message);
        }
        Assert.Equal(launches, EmulatedDriver.Launches());
    }

    private sealed record LostTraining(CudaDevice Device, TinyTraining Training, DeviceException First);
}
