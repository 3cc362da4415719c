using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.CudaTests;

/// <summary>The rules of stream capture, by which the emulated driver goes: what is not allowed breaks the recording, which its end then tells.</summary>
public sealed class CaptureRulesTests : IDisposable
{
    private const int IllegalState = 401, Invalidated = 901, Unjoined = 904, Isolation = 905, CapturedEvent = 907, Unsupported = 900;

    private readonly TestGpu _emulated = TestGpu.OpenEmulated();

    private nint _allocated;

    private CudaStream Stream => _emulated.Stream;

    public void Dispose() => _emulated.Dispose();

    [Theory]
    [InlineData(0, Unsupported)]
    [InlineData(1, Unsupported)]
    [InlineData(2, 0)]
    public void WhatARecordingDoesNotSeeIsForRelaxedModeOnly(int mode, int expected)
    {
        var kernel = _emulated.Kernel("add_one");
        foreach (var call in (Func<CuResult>[])[Allocate, AllocatePinned, () => LoadAModule(kernel)])
        {
            Begin(mode);
            Assert.Equal(expected, (int)call());
            Assert.Equal(expected == 0 ? 0 : Invalidated, End());
            Free();
        }
        Assert.Equal([1f], _emulated.Upload(1).ToArray());
    }

    /// <summary>It waits for all of the context, of which a stream records.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void MemoryIsNotGivenBackWhileAStreamRecords(int mode)
    {
        Assert.Equal(CuResult.Success, Allocate());
        Begin(mode);
        Assert.Equal(Unsupported, (int)CudaDriver.cuMemFree(_allocated));
        Assert.Equal(Invalidated, End());
        Free();
    }

    [Fact]
    public void AStreamThatRecordsCannotBeWaitedForAndTakesNothingFromThenOn()
    {
        var x = _emulated.Upload(1);
        var kernel = _emulated.Kernel("add_one");
        Begin();
        Assert.Equal(Unsupported, (int)CudaDriver.cuStreamSynchronize(Stream.Value));
        Assert.Contains("CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", Assert.Throws<DeviceException>(() => kernel.Launch(Stream, 1, 1, 0, x, 1)).Message);
        Assert.Throws<DeviceException>(() => _emulated.Device.Blas.Multiply(false, false, 1, 1, 1, 1, x.Address, 1, x.Address, 1, 0, x.Address, 1));
        Assert.Equal(Invalidated, End());
        Assert.Equal([1f], x.ToArray());
    }

    [Fact]
    public void EventsOfARecordingHaveNoState()
    {
        using CudaEvent happening = new(Stream.Context, timing: true), outside = new(Stream.Context, timing: true);
        outside.Record(Stream);
        nint value = happening.Value, other = outside.Value;
        foreach (var question in (Func<CuResult>[])[() => CudaDriver.cuEventSynchronize(value), () => CudaDriver.cuEventElapsedTime(out _, other, value)])
        {
            Begin();
            happening.Record(Stream);
            Assert.Equal(CapturedEvent, (int)question());
            Assert.Equal(Invalidated, End());
            Assert.Equal(CapturedEvent, (int)question());
        }
        happening.Record(Stream);
        happening.Synchronize();
        Assert.True(happening.MillisecondsSince(outside) >= 0);
    }

    [Fact]
    public void AnEventIsNoNodeAndAnEmptyGraphRuns()
    {
        using var happening = new CudaEvent(Stream.Context);
        using var graph = _emulated.Device.Capture(() => happening.Record(Stream));
        Assert.Equal(0, graph.Nodes);
        graph.Launch();
        _emulated.Device.Synchronize();
    }

    [Fact]
    public void EventsWithoutTimingAreNotTimed()
    {
        using CudaEvent start = new(Stream.Context), end = new(Stream.Context, timing: true);
        start.Record(Stream);
        end.Record(Stream);
        end.Synchronize();
        Assert.Contains("made without timing", Assert.Throws<DeviceException>(() => end.MillisecondsSince(start)).Message);
    }

    [Fact]
    public void AStreamThatRecordsCannotWaitForWorkOutside()
    {
        using var other = new CudaStream(Stream.Context);
        using var outside = new CudaEvent(Stream.Context);
        outside.Record(other);
        Begin();
        Assert.Equal(Isolation, (int)CudaDriver.cuStreamWaitEvent(Stream.Value, outside.Value, 0));
        Assert.Equal(Invalidated, End());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AStreamThatTookPartIsWaitedFor(bool joined)
    {
        using var other = new CudaStream(Stream.Context);
        using CudaEvent fork = new(Stream.Context), join = new(Stream.Context);
        var x = _emulated.Upload(1);
        var kernel = _emulated.Kernel("add_one");
        Begin();
        fork.Record(Stream);
        other.Wait(fork);
        kernel.Launch(other, 1, 1, 0, x, 1);
        if (joined)
        {
            join.Record(other);
            Stream.Wait(join);
        }
        Assert.Equal(joined ? 0 : Unjoined, End());
    }

    [Fact]
    public void RecordingsBeginAndEndOnce()
    {
        Assert.Equal(IllegalState, End());
        Begin();
        Assert.Equal(IllegalState, (int)CudaDriver.cuStreamBeginCapture(Stream.Value, CuStreamCaptureMode.Relaxed));
        Assert.Equal(0, End());
    }

    private CuResult Allocate() => CudaDriver.cuMemAlloc(out _allocated, 4);

    private void Free()
    {
        if (_allocated != 0)
        {
            Assert.Equal(CuResult.Success, CudaDriver.cuMemFree(_allocated));
            _allocated = 0;
        }
    }

    private static CuResult AllocatePinned()
    {
        var result = CudaDriver.cuMemHostAlloc(out nint address, 4, 0);
        return result == CuResult.Success ? CudaDriver.cuMemFreeHost(address) : result;
    }

    /// <summary>Loads the file of tests that hold <paramref name="kernel"/> once more.</summary>
    private unsafe CuResult LoadAModule(CudaKernel kernel)
    {
        fixed (byte* image = _emulated.Device.Compiler.Compile(TestGpu.Source("emulator_checks")).Image)
        {
            var result = CudaDriver.cuModuleLoadData(out nint module, image);
            return result != CuResult.Success ? result
                : CudaDriver.cuModuleGetFunction(out _, module, kernel.Name) is var lookup and not CuResult.Success ? lookup
                : CudaDriver.cuModuleUnload(module);
        }
    }

    private void Begin(int mode = 2) => Assert.Equal(CuResult.Success, CudaDriver.cuStreamBeginCapture(Stream.Value, (CuStreamCaptureMode)mode));

    private int End()
    {
        var result = CudaDriver.cuStreamEndCapture(Stream.Value, out nint graph);
        Assert.Equal(result == CuResult.Success, graph != 0);
        _ = graph == 0 ? CuResult.Success : CudaDriver.cuGraphDestroy(graph);
        return (int)result;
    }
}
