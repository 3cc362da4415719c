using RawDiffusion.Testing;

namespace RawDiffusion.ConformanceTests;

/// <summary>Every case of every op on every device.</summary>
public class OpConformanceTests
{
    public static IEnumerable<TheoryDataRow<string, string>> CasesOnDevices(string check) =>
        from opCase in OpCases.All
        from device in DeviceUnderTest.All
        select new TheoryDataRow<string, string>(opCase.FullName, device.Name) { TestDisplayName = $"{opCase} on {device}: {check}", Label = "" };

    public static IEnumerable<TheoryDataRow<string, string, Usage>> UsagesOnDevices(string check) =>
        from opCase in OpCases.All.OfType<TapeCase>()
        where opCase.Tensors.Any(t => t.Role == Role.Differentiable)
        from device in DeviceUnderTest.All
        from usage in (Usage[])[Usage.Twice, Usage.Onto]
        select new TheoryDataRow<string, string, Usage>(opCase.FullName, device.Name, usage) { TestDisplayName = $"{opCase} on {device}: {check}, {usage}", Label = "" };

    public static IEnumerable<TheoryDataRow<string, string>> SinksOnDevices(string check) =>
        from opCase in OpCases.All.OfType<TapeCase>()
        where opCase.Tensors.Count(t => t.Role == Role.Differentiable) > 1
        from device in DeviceUnderTest.All
        select new TheoryDataRow<string, string>(opCase.FullName, device.Name) { TestDisplayName = $"{opCase} on {device}: {check}", Label = "" };

    public static IEnumerable<TheoryDataRow<string, string>> CasesOnTwins(string check) =>
        from opCase in OpCases.All
        from device in DeviceUnderTest.All
        where device.SameBitsAs is not null
        select new TheoryDataRow<string, string>(opCase.FullName, device.Name) { TestDisplayName = $"{opCase} on {device}: {check} {device.SameBitsAs}", Label = "" };

    [Theory]
    [MemberData(nameof(CasesOnDevices), "agrees with the reference")]
    public void AgreesWithTheReference(string opCase, string device) =>
        Conformance.AgreesWithReference(OpCases.Named(opCase), DeviceUnderTest.Named(device));

    [Theory]
    [MemberData(nameof(UsagesOnDevices), "adds up gradients")]
    public void AddsUpGradients(string opCase, string device, Usage usage) =>
        Conformance.AgreesWithReference(OpCases.Named(opCase), DeviceUnderTest.Named(device), usage);

    [Theory]
    [MemberData(nameof(SinksOnDevices), "brings each gradient for itself")]
    public void BringsEachGradientForItself(string opCase, string device) =>
        Conformance.SinksAreIndependent((TapeCase)OpCases.Named(opCase), DeviceUnderTest.Named(device));

    [Theory]
    [MemberData(nameof(CasesOnDevices), "repeats itself bit for bit")]
    public void RepeatsItselfBitForBit(string opCase, string device) =>
        Conformance.RepeatsBitForBit(OpCases.Named(opCase), DeviceUnderTest.Named(device));

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(CasesOnTwins), "has the same bits as on")]
    public void HasTheSameBitsAsItsTwin(string opCase, string device) =>
        Conformance.HasTheSameBits(OpCases.Named(opCase), DeviceUnderTest.Named(device), DeviceUnderTest.Named(DeviceUnderTest.Named(device).SameBitsAs!));

    [Fact]
    public void CaseNamesAreUnique() => Assert.Distinct(OpCases.All.Select(c => c.FullName));
}
