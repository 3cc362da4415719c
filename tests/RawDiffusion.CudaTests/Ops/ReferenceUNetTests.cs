using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>The whole U-Net against diffusers.</summary>
public class ReferenceUNetTests
{
    private static readonly DeviceUnderTest Cuda = TestGpu.Float32 with { Create = () => new CudaDevice(TestGpu.Options) };

    public static TheoryData<string> Models => new(ReferenceUNet.Models);

    [Theory]
    [MemberData(nameof(Models))]
    public void ForwardAndBackwardAgree(string model)
    {
        TestGpu.Require();
        ReferenceUNet.ForwardAndBackwardAgree(model, Cuda);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void FiveTrainingStepsAgree(string model)
    {
        TestGpu.Require();
        ReferenceUNet.FiveTrainingStepsAgree(model, Cuda);
    }
}
