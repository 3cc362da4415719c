using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>What is cut up by the GPU's size, cut up for an H100: smaller tiles and more parts than for the emulated GPU's own 4 multiprocessors.</summary>
public class LargeGpuTests
{
    private const int Multiprocessors = 132;

    private static readonly DeviceUnderTest Large = TestGpu.Float32 with { Name = "CUDA, 132 multiprocessors" };

    public static TheoryData<string> Cases => new(OpCases.All.Where(c => c.Op is "Conv2d" or "Linear").Select(c => c.FullName));

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithTheReference(string opCase)
    {
        TestGpu.RequireEmulated();
        EmulatedDriver.SetMultiprocessors(Multiprocessors);
        using (var device = Large.Create())
        {
            Assert.Equal(Multiprocessors, ((CudaDevice)device).Properties.Multiprocessors);
        }
        Conformance.AgreesWithReference(OpCases.Named(opCase), Large, OpCases.Named(opCase) is TapeCase ? Usage.Onto : Usage.Once);
    }
}
