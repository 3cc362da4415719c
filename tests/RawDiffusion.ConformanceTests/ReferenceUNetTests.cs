using RawDiffusion.Testing;

namespace RawDiffusion.ConformanceTests;

/// <summary>The whole U-Net against diffusers, on every device.</summary>
public sealed class ReferenceUNetTests
{
    public static TheoryData<string, string> Batches => new(
        from model in (string[])[.. ReferenceUNet.Models, .. ReferenceUNet.Variants]
        from device in DeviceUnderTest.All
        select (model, device.Name));

    public static TheoryData<string, string> Cases => new(
        from model in ReferenceUNet.Models
        from device in DeviceUnderTest.All
        select (model, device.Name));

    [Theory]
    [MemberData(nameof(Batches))]
    public void ForwardAndBackwardAgree(string model, string device) => ReferenceUNet.ForwardAndBackwardAgree(model, DeviceUnderTest.Named(device));

    [Theory]
    [MemberData(nameof(Cases))]
    public void FiveTrainingStepsAgree(string model, string device) => ReferenceUNet.FiveTrainingStepsAgree(model, DeviceUnderTest.Named(device));
}
