using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>What a launch may ask for: the emulated driver refuses the rest, as a real one does, or the device does before it.</summary>
public class LaunchLimitTests
{
    [Theory]
    [InlineData(0, 1, 1, 32)]
    [InlineData(1, 1, 1, 1025)]
    [InlineData(1, 1, 1, 0)]
    public void GridsAndBlocksHaveLimits(int x, int y, int z, int threads)
    {
        using var emulated = TestGpu.OpenEmulated();
        var kernel = emulated.Kernel("add_one");
        var failure = Assert.Throws<DeviceException>(() => kernel.Launch(emulated.Stream, (x, y, z), threads, 0, emulated.Make(1), 1));
        Assert.Contains("CUDA_ERROR_INVALID_VALUE", failure.Message);
        Assert.False(emulated.Device.IsLost);
    }

    [Theory]
    [InlineData(65536, 1)]
    [InlineData(1, 65536)]
    public void ABatchTooLargeForAGridIsTheUsersMatter(int y, int z)
    {
        using var gpu = TestGpu.Open();
        var failure = Assert.Throws<DeviceException>(() => gpu.Kernel("add_one").Launch(gpu.Stream, (1, y, z), 32, 0, gpu.Make(1), 1));
        Assert.Contains($"add_one would need a grid of (1, {y}, {z}) blocks", failure.Message);
        Assert.Contains("smaller batch", failure.Message);
    }

    [Fact]
    public void StaticAndDynamicSharedMemoryCountTogether()
    {
        using var emulated = TestGpu.OpenEmulated();
        var y = emulated.Make(32);
        emulated.Kernel("static_and_dynamic", "limit_checks").Launch(emulated.Stream, 1, 32, 32 << 10, y);
        Assert.Equal(64f, y.ToArray().Sum());
        emulated.Kernel("static_and_dynamic", "limit_checks").Launch(emulated.Stream, 1, 32, (32 << 10) + 4, y);
        Assert.Contains("needs 16384 bytes of static shared memory beside 32772 dynamic ones", Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
    }

    [Theory]
    [InlineData(8, 0, 163)]
    [InlineData(8, 6, 99)]
    [InlineData(9, 0, 227)]
    [InlineData(12, 0, 99)]
    public void HowMuchSharedMemoryThereIsDependsOnTheGpu(int major, int minor, int kibibytes)
    {
        TestGpu.RequireEmulated();
        EmulatedDriver.SetCapability(major, minor);
        using var device = new CudaDevice(TestGpu.Options);
        Assert.Equal(kibibytes << 10, device.Properties.SharedBytesPerBlock);
        using var module = new CudaModule(device.Stream.Context, device.Compiler.Compile(TestGpu.Source("emulator_checks")));
        using var y = new Tensor(device, new Shape(32));
        module["beyond_shared"].Launch(device.Stream, 1, 32, kibibytes << 10, y);
        Assert.Equal(32f, y.ToArray().Sum());
        Assert.Contains($"of {kibibytes} KiB", Assert.Throws<DeviceException>(() => module["beyond_shared"].Launch(device.Stream, 1, 32, (kibibytes << 10) + 4, y)).Message);
    }

    [Theory]
    [InlineData("underaligned_static", 0)]
    [InlineData("underaligned_dynamic", 64)]
    public void VectorsNeedSharedMemoryThatIsDeclaredForThem(string kernel, int sharedBytes)
    {
        using var emulated = TestGpu.OpenEmulated();
        emulated.Kernel(kernel, "limit_checks").Launch(emulated.Stream, 1, 1, sharedBytes, emulated.Make(1));
        Assert.Contains("CUDA_ERROR_MISALIGNED_ADDRESS", Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
    }

    [Fact]
    public void AnAsynchronousCopyOfNothingIsAlignedToo()
    {
        using var emulated = TestGpu.OpenEmulated();
        emulated.Kernel("misaligned_copy", "limit_checks").Launch(emulated.Stream, 1, 1, 0, emulated.Make(1), emulated.Make(8));
        Assert.Contains("CUDA_ERROR_MISALIGNED_ADDRESS", Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
    }

    [Fact]
    public void AKernelLivesAsLongAsItsModule()
    {
        using var emulated = TestGpu.OpenEmulated();
        var module = new CudaModule(emulated.Stream.Context, emulated.Device.Compiler.Compile(TestGpu.Source("emulator_checks")));
        var kernel = module["add_one"];
        module.Dispose();
        Assert.Contains("not a kernel of a module that is loaded", Assert.Throws<DeviceException>(() => kernel.Launch(emulated.Stream, 1, 1, 0, emulated.Make(1), 1)).Message);
    }

    [Fact]
    public void AGpuThatIsTooOldIsNamed()
    {
        TestGpu.RequireEmulated();
        EmulatedDriver.SetCapability(7, 5);
        var failure = Assert.Throws<DeviceException>(() => new CudaDevice(new CudaOptions()));
        Assert.Contains("Emulated GPU is of compute capability 7.5, but the kernels need 8.0", failure.Message);
        Assert.Equal((0, ""), (EmulatedDriver.Contexts(), EmulatedDriver.Leaks()));
    }

    [Fact]
    public void ThreadsAreNumberedIn32Bits()
    {
        Assert.Equal(1 << 24, CudaDevice.BlocksFor("dropout", 4L * uint.MaxValue, 4));
        var failure = Assert.Throws<DeviceException>(() => CudaDevice.BlocksFor("dropout", 4L * uint.MaxValue + 1, 4));
        Assert.Contains("too large for dropout: 4294967296 threads", failure.Message);
    }

    [Theory]
    [InlineData(1024, 256, 1024, true)]
    [InlineData(512, 32, 512, true)]
    [InlineData(1, 512, 4096, true)]                // two images' elements, which a tile may span, just fit
    [InlineData(2, 1024, 1024, false)]
    [InlineData(1, 1024, 2048, false)]
    [InlineData(32768, 256, 3, false)]              // 2³¹ pixels
    public void ConvolutionsCountIn32Bits(int images, int side, int channels, bool fits)
    {
        var problem = ConvProblem.Forward(ConvGeometry.Symmetric(images, side, side, channels, 128));
        if (fits)
        {
            problem.RequireSmallEnough();
        }
        else
        {
            Assert.Contains($"{images} images of {side} by {side} pixels and {channels} channels", Assert.Throws<DeviceException>(problem.RequireSmallEnough).Message);
        }
    }
}
