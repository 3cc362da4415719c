using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>The same cases as every device's, on the emulated one.</summary>
public class OpConformanceTests
{
    private static readonly DeviceUnderTest Emulated = new(
        "CUDA, emulated", () => new CudaDevice(new CudaOptions { Cache = EmulatedDriver.Cache, CompileAhead = false, ExactMemory = true }), Precision.Float32);

    public static TheoryData<string> Cases => new(OpCases.All.Select(c => c.FullName));

    public static TheoryData<string, Usage> Usages => new(
        from opCase in OpCases.All.OfType<TapeCase>()
        where opCase.Tensors.Any(t => t.Role == Role.Differentiable)
        from usage in (Usage[])[Usage.Twice, Usage.OntoAll, Usage.OntoEven, Usage.OntoOdd]
        select (opCase.FullName, usage));

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithTheReference(string opCase) => Check(() => Conformance.AgreesWithReference(OpCases.Named(opCase), Emulated));

    [Theory]
    [MemberData(nameof(Usages))]
    public void AddsUpGradients(string opCase, Usage usage) => Check(() => Conformance.AgreesWithReference(OpCases.Named(opCase), Emulated, usage));

    [Theory]
    [MemberData(nameof(Cases))]
    public void RepeatsItselfBitForBit(string opCase) => Check(() =>
    {
        Conformance.RepeatsBitForBit(OpCases.Named(opCase), Emulated);
        EmulatedDriver.SetSeed(2);                  // other orders of blocks and threads
        Conformance.HasTheSameBits(OpCases.Named(opCase), Emulated, Emulated);
    });

    private static void Check(Action check)
    {
        EmulatedDevice.Require();
        check();
        Assert.Equal("", EmulatedDriver.Leaks());
    }
}
