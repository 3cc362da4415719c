using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace RawDiffusion.CudaTests;

/// <summary>A CUDA device on the emulated driver, which must leave nothing behind.</summary>
internal sealed class EmulatedDevice : IDisposable
{
    public EmulatedDevice(KernelCache? cache = null, bool exact = true)
    {
        Device = new PartialCudaDevice(new CudaOptions { Cache = cache ?? EmulatedDriver.Cache, CompileAhead = false, ExactMemory = exact });
    }

    public PartialCudaDevice Device { get; }

    /// <summary>Starts the emulated driver afresh, or skips the test where there can be none.</summary>
    public static EmulatedDevice Open(KernelCache? cache = null)
    {
        Require();
        return new EmulatedDevice(cache);
    }

    public static void Require()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        EmulatedDriver.Start();
    }

    public Tensor Upload(float[] values, string name = "x") => new Tensor(Device, new Shape(values.Length), DType.Float32, name).Upload(values);

    public void Dispose()
    {
        Device.Dispose();
        if (!Device.IsLost)
        {
            Assert.Equal("", EmulatedDriver.Leaks());
        }
    }
}
