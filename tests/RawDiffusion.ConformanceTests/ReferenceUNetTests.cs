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

    /// <summary>
    /// Networks as they are published. The reference device takes minutes for the smaller one, so it runs among the long tests, and would take hours for the larger one.
    /// </summary>
    public static TheoryData<string, string> Published => new(
    [
        ("ddpm-cifar10-32", "CPU×2"), ("ddpm-celebahq-256", "CPU×2"),
        .. Environment.GetEnvironmentVariable("RAWDIFFUSION_LONG_TESTS") == "1" ? ((string, string)[])[("ddpm-cifar10-32", "reference")] : [],
    ]);

    [Theory]
    [MemberData(nameof(Published))]
    public void PublishedNetworksAgree(string model, string device) => PublishedUNet.Agrees(model, DeviceUnderTest.Named(device));

    [Theory]
    [MemberData(nameof(Batches))]
    public void ForwardAndBackwardAgree(string model, string device) => ReferenceUNet.ForwardAndBackwardAgree(model, DeviceUnderTest.Named(device));

    [Theory]
    [MemberData(nameof(Cases))]
    public void FiveTrainingStepsAgree(string model, string device) => ReferenceUNet.FiveTrainingStepsAgree(model, DeviceUnderTest.Named(device));
}
