using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;
using RawDiffusion.Models;
using RawDiffusion.Testing;
using RawDiffusion.Training;

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

    /// <summary>What each kind of call is given, and how it is called.</summary>
    private static readonly Dictionary<string, Action<TestGpu, Tensor, CudaGraph>> Calls = new()
    {
        ["cuMemAlloc"] = (gpu, _, _) => gpu.Make(5),
        ["cuMemGetInfo"] = (gpu, _, _) => gpu.Device.MemoryInfo(),
        ["cuMemHostAlloc"] = (gpu, _, _) => new PinnedMemory(gpu.Stream.Context, 64).Dispose(),
        ["cuMemcpyHtoDAsync"] = (_, x, _) => x.Upload([3f, 4f]),
        ["cuMemcpyDtoHAsync"] = (_, x, _) => x.ToArray(),
        ["cuMemcpyDtoDAsync"] = (_, x, _) => x.Slice(0, new(1)).CopyFrom(x.Slice(1, new(1))),
        ["cuMemsetD8Async"] = (_, x, _) => x.Clear(),
        ["cuLaunchKernel"] = (gpu, x, _) => gpu.Device.LinearCombination(2, x, 0, null, x),
        ["cuModuleGetFunction"] = (gpu, x, _) => gpu.Device.Silu(x, x),
        ["cuModuleLoadData"] = (gpu, x, _) => gpu.Device.SumPositions(x.Slice(0, new(1, 1, 2)), Sink.Into(x.Slice(0, new(1, 2)))),
        ["cuGraphLaunch"] = (_, _, graph) => graph.Launch(),
        ["cuStreamBeginCapture"] = (gpu, _, _) => gpu.Device.Capture(() => { }),
        ["cuStreamSynchronize"] = (gpu, _, _) => gpu.Device.Synchronize(),
        ["cuStreamCreate"] = (gpu, _, _) => new CudaStream(gpu.Stream.Context).Dispose(),
        ["cuEventCreate"] = (gpu, _, _) => new CudaEvent(gpu.Stream.Context).Dispose(),
    };

    public static TheoryData<string> CallNames => new(Calls.Keys);

    /// <summary>The driver knows of the fault, and the device does not yet: whatever it calls next must not take the refusal for success.</summary>
    [Theory]
    [MemberData(nameof(CallNames))]
    public void WhateverIsCalledAfterAFaultTellsIt(string call)
    {
        using var emulated = TestGpu.OpenEmulated();
        var device = emulated.Device;
        var x = emulated.Upload(1, 2);
        using var graph = device.Capture(() => device.LinearCombination(2, x, 0, null, x));
        EmulatedDriver.FailLaunch(1);
        device.LinearCombination(2, x, 0, null, x);
        Assert.Equal(CuResult.LaunchFailed, CudaDriver.cuStreamSynchronize(emulated.Stream.Value));
        Assert.False(device.IsLost);
        string message = Assert.Throws<DeviceException>(() => Calls[call](emulated, x, graph)).Message;
        Assert.StartsWith(call, message);
        Assert.Contains("CUDA_ERROR_LAUNCH_FAILED", message);
        Assert.True(device.IsLost);
    }

    /// <summary>And what the driver refuses of itself is an error, too, though nothing is lost.</summary>
    [Fact]
    public void WhatTheDriverRefusesIsReported()
    {
        using var emulated = TestGpu.OpenEmulated();
        var device = emulated.Device;
        Tensor x = emulated.Upload(1, 2), y = emulated.Upload(3, 4);
        Refused("cuMemsetD8Async", () => device.Fill(x.Address, 9, 0));
        Refused("cuMemcpyDtoDAsync", () => device.Copy(x.Address, y.Address, 9));
        Refused("cuMemcpyHtoDAsync", () => device.CopyFromHost(new byte[9], x.Address));
        Refused("cuMemcpyDtoHAsync", () => device.CopyToHost(x.Address, new byte[9]));
        Refused("cuLaunchKernel", () => emulated.Kernel("add_one").Launch(emulated.Stream, 1, 2048, 0, x, 2));
        Assert.Equal([1f, 2f, 3f, 4f], [.. x.ToArray(), .. y.ToArray()]);

        void Refused(string call, Action action)
        {
            Assert.StartsWith(call, Assert.Throws<DeviceException>(action).Message);
            Assert.False(device.IsLost);
        }
    }

    [Theory]
    [InlineData(CuResult.EccUncorrectable)]
    [InlineData(CuResult.NvlinkUncorrectable)]
    [InlineData(CuResult.IllegalAddress)]
    [InlineData(CuResult.LaunchTimeout)]
    [InlineData(CuResult.Assert)]
    [InlineData(CuResult.HardwareStackError)]
    [InlineData(CuResult.IllegalInstruction)]
    [InlineData(CuResult.MisalignedAddress)]
    [InlineData(CuResult.InvalidAddressSpace)]
    [InlineData(CuResult.InvalidPc)]
    [InlineData(CuResult.LaunchFailed)]
    [InlineData(CuResult.Unknown)]
    internal void EveryErrorThatAKernelMayEndInLosesTheDevice(CuResult code)
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(1, 2);
        EmulatedDriver.FailLaunch(1, (int)code);
        emulated.Device.LinearCombination(2, x, 0, null, x);
        Assert.Throws<DeviceException>(emulated.Device.Synchronize);
        Assert.True(emulated.Device.IsLost);
    }

    /// <summary>The second step on a new device, in which graphs are made; its nth launch fails. Null if it failed.</summary>
    private static StepResult? Step(bool graphs, Action<LostTraining> lost, int failing = 0, int code = 0)
    {
        EmulatedDriver.Start();
        StepResult? result = null;
        using (var device = new CudaDevice(new CudaOptions { Cache = EmulatedDriver.Cache, CompileAhead = false, Graphs = graphs }))
        {
            using var training = new TinyTraining(device, Network, batch: 1);
            training.Run(0);
            device.Synchronize();
            EmulatedDriver.FailLaunch(failing, code);
            try
            {
                result = training.Run(1);
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
        foreach (var use in (Action[])[() => lost.Training.Run(2), lost.Device.Synchronize, () => lost.Training.Parameters.Values.ToArray()])
        {
            var again = Assert.Throws<DeviceException>(use);
            Assert.Equal($"Emulated GPU was lost by an earlier error: {lost.First.Message}", again.Message);
        }
        Assert.Equal(launches, EmulatedDriver.Launches());
    }

    private sealed record LostTraining(CudaDevice Device, TinyTraining Training, DeviceException First);
}
