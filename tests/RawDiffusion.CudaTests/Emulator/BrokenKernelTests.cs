using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>That the emulated driver catches what kernels get wrong, and that the device is lost from then on.</summary>
public class BrokenKernelTests
{
    [Fact]
    public void AWriteBehindTheEnd()
    {
        using var emulated = TestGpu.OpenEmulated();
        string message = emulated.Failure("off_by_one", 1, 64, 0, emulated.Make(25), 25);
        Assert.Contains("CUDA_ERROR_ILLEGAL_ADDRESS", message);
        Assert.Contains("thread (25, 0, 0) wrote 4 bytes at offset 100 of an allocation of 100 bytes", message);
        Assert.Contains("emulator_checks.cu:", message);
    }

    [Fact]
    public void AReadBeforeTheStart()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Contains("thread (0, 0, 0) read 4 bytes at 4 bytes before an allocation of 128 bytes", emulated.Failure("reads_before", 1, 32, 0, emulated.Make(32), emulated.Make(32)));
    }

    [Fact]
    public void AUseAfterFree()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Make(8);
        nint address = x.Address;
        x.Dispose();
        Assert.Contains("read 4 bytes at offset 0 of a freed allocation of 32 bytes", emulated.Failure("add_one", 1, 1, 0, address, 1));
    }

    [Fact]
    public void ANullPointer()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Contains("read 4 bytes at a null pointer", emulated.Failure("add_one", 1, 1, 0, (Tensor?)null, 1));
    }

    [Fact]
    public void AHostPointer()
    {
        using var emulated = TestGpu.OpenEmulated();
        using var pinned = new PinnedMemory(emulated.Stream.Context, 64);
        Assert.Contains("never allocated on the device", emulated.Failure("add_one", 1, 1, 0, pinned.Address, 1));
    }

    [Fact]
    public void AMisalignedVector()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Contains("CUDA_ERROR_MISALIGNED_ADDRESS", emulated.Failure("misaligned", 1, 1, 0, emulated.Make(4), emulated.Make(8)));
    }

    [Theory]
    [InlineData("missing_barrier", 64)]
    [InlineData("missing_second_barrier", 64)]
    [InlineData("missing_warp_barrier", 32)]
    public void AMissingBarrier(string kernel, int threads)
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Matches(@"race: (read|overwrote) shared memory that .* (wrote|read) with no barrier in between", emulated.Failure(kernel, 1, threads, 0, emulated.Make(threads)));
    }

    [Fact]
    public void AThreadThatLeavesBeforeABarrier()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Matches(@"waits at __syncthreads \(emulator_checks.cu:\d+\), but thread \(40, 0, 0\) has left the kernel", emulated.Failure("leaves_before_barrier", 1, 64, 0, emulated.Make(64), 40));
    }

    [Fact]
    public void ThreadsAtDifferentBarriers()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Matches(@"divergent barrier: waits at __syncthreads .*, but thread .* waits at __syncthreads", emulated.Failure("two_barriers", 1, 64, 0, emulated.Make(64)));
    }

    [Fact]
    public void AThreadThatLeavesBeforeAShuffle()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Matches(@"waits at __shfl_xor_sync .* thread \(5, 0, 0\).* has left the kernel", emulated.Failure("leaves_before_shuffle", 1, 32, 0, emulated.Make(32)));
    }

    [Fact]
    public void ACopyThatNobodyWaitsFor()
    {
        using var emulated = TestGpu.OpenEmulated();
        var y = emulated.Make(32);
        emulated.Kernel("missing_wait").Launch(emulated.Stream, 1, 32, 0, y, emulated.Upload(1, 2, 3, 4));
        Assert.All(y.ToArray(), value => Assert.Equal(float.NaN, value));
    }

    [Fact]
    public void MoreSharedMemoryThanAskedFor()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Contains("thread (16, 0, 0) wrote 4 bytes at shared offset 64, outside of every shared variable", emulated.Failure("beyond_shared", 1, 17, 64, emulated.Make(32)));
    }

    [Fact]
    public void TwoBlocksThatWriteTheSame()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Contains("race: overwrote 4 bytes at offset", emulated.Failure("blocks_collide", 2, 8, 0, emulated.Make(8)));
    }

    /// <summary>Between them is neither a barrier of the block nor one of the warp; where there is, nothing is wrong.</summary>
    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void TwoThreadsThatPassANumberThroughDeviceMemory(int barrier, bool isRace)
    {
        using var emulated = TestGpu.OpenEmulated();
        Tensor y = emulated.Make(32), handed = emulated.Make(32);
        emulated.Kernel("passes_through_memory", "limit_checks").Launch(emulated.Stream, 1, 32, 0, y, handed, barrier);
        if (isRace)
        {
            Assert.Matches(@"race: (read|overwrote) 4 bytes at offset \d+ of an allocation of 128 bytes, which thread \(\d+, 0, 0\) wrote with no barrier in between", Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
        }
        else
        {
            Assert.Equal(Enumerable.Range(0, 32).Select(i => (float)(31 - i)), y.ToArray());
        }
    }

    [Theory]
    [InlineData("sum", "added")]
    [InlineData("product", "multiplied")]
    [InlineData("shift", "shifted")]
    public void ANumberThatDoesNotFit(string operation, string message)
    {
        using var emulated = TestGpu.OpenEmulated();
        emulated.Kernel("overflowing_" + operation, "limit_checks").Launch(emulated.Stream, 1, 1, 0, emulated.Make(DType.Int32, 1), 65536, 32);
        Assert.Contains(message, Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
    }

    [Fact]
    public void AnIndexOutOfALocalArray()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.Contains("took element 4 of an array that is smaller", emulated.Failure("local_index", 1, 1, 0, emulated.Make(1), 4));
    }

    [Fact]
    public void ALostDeviceFailsFastWithTheFirstCause()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(1, 2);
        string cause = emulated.Failure("off_by_one", 1, 64, 0, x, 2);
        foreach (var use in (Action[])[() => x.ToArray(), () => x.Upload([3f, 4f]), () => x.Clear(), () => emulated.Make(5), emulated.Device.Synchronize])
        {
            var failure = Assert.Throws<DeviceException>(use);
            Assert.StartsWith("Emulated GPU was lost by an earlier error: ", failure.Message);
            Assert.Contains(cause, failure.Message);
        }
    }

    [Fact]
    public void AfterALostDeviceTheProcessGetsNoOther()
    {
        using (var lost = TestGpu.OpenEmulated())
        {
            lost.Failure("off_by_one", 1, 64, 0, lost.Make(2), 2);
        }
        var failure = Assert.Throws<DeviceException>(() => new CudaDevice(TestGpu.Options));
        Assert.Contains("cuDevicePrimaryCtxRetain(0) failed: CUDA_ERROR_ILLEGAL_ADDRESS", failure.Message);
        Assert.Contains("lost to this process", failure.Message);
        // As a new process would find it.
        using var emulated = TestGpu.OpenEmulated();
        Assert.Equal([1f], emulated.Upload(1).ToArray());
    }

    [Fact]
    public void AFailingLaunch()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(1);
        EmulatedDriver.FailLaunch(2, code: 214);
        var kernel = emulated.Kernel("add_one");
        kernel.Launch(emulated.Stream, 1, 1, 0, x, 1);
        Assert.Equal([2f], x.ToArray());
        kernel.Launch(emulated.Stream, 1, 1, 0, x, 1);
        Assert.Contains("CUDA_ERROR_ECC_UNCORRECTABLE", Assert.Throws<DeviceException>(() => x.ToArray()).Message);
        Assert.True(emulated.Device.IsLost);
    }
}
