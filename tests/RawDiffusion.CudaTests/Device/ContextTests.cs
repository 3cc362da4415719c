using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.CudaTests;

/// <summary>Threads, and the context that must be current on each that calls the driver.</summary>
public class ContextTests
{
    [Fact]
    public void AThreadWithoutTheContextIsRefused()
    {
        using var emulated = TestGpu.OpenEmulated();
        nint stream = emulated.Stream.Value;
        Assert.All(
            OnAnotherThread(() => (CuResult[])[CudaDriver.cuMemGetInfo(out _, out _), CudaDriver.cuEventCreate(out _, 0), CudaDriver.cuStreamSynchronize(stream)]),
            result => Assert.Equal(CuResult.InvalidContext, result));
        Assert.Equal(CublasStatus.NotInitialized, OnAnotherThread(() => Cublas.cublasCreate(out _)));
    }

    [Fact]
    public void ADeviceWorksOnAnyThread()
    {
        using var gpu = TestGpu.Open();
        var device = gpu.Device;
        var x = gpu.Upload(1, 2);
        OnAnotherThread(() =>
        {
            device.LinearCombination(2, x, 0, null, x);
            device.Blas.Multiply(false, false, 1, 1, 1, 1, x.Address, 1, x.Address, 1, 0, x.Address, 1);
            gpu.Make(3).Dispose();
            return 0;
        });
        Assert.Equal([4f, 4f], x.ToArray());
    }

    /// <summary>As a finalizer does.</summary>
    [Fact]
    public void WhatTheDriverMadeIsDestroyedOnAThreadWithoutTheContext()
    {
        using var gpu = TestGpu.Open();
        var context = gpu.Stream.Context;
        IDisposable[] things = [new CudaStream(context), new CudaEvent(context), new PinnedMemory(context, 64), gpu.Device.Capture(() => { })];
        OnAnotherThread(() =>
        {
            Array.ForEach(things, t => t.Dispose());
            return 0;
        });
    }

    /// <summary>All that CUDA documents to leave a process without the GPU, and no other.</summary>
    [Fact]
    public void ErrorsThatEndAContext()
    {
        int[] sticky = [214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911, 999], others = [0, 1, 2, 3, 100, 200, 209, 218, 400, 500, 600, 701, 801, 900, 901, 907];
        Assert.All(sticky, code => Assert.True(((CuResult)code).IsSticky(), $"{code}"));
        Assert.All(others, code => Assert.False(((CuResult)code).IsSticky(), $"{code}"));
    }

    private static T OnAnotherThread<T>(Func<T> work)
    {
        T result = default!;
        var thread = new Thread(() => result = work());
        thread.Start();
        thread.Join();
        return result;
    }
}
