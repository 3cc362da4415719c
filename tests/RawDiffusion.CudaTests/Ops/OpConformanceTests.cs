using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>The same cases as every device's.</summary>
public class OpConformanceTests
{
    public static TheoryData<string> Cases => new(OpCases.All.Select(c => c.FullName));

    public static TheoryData<string, Usage> Usages => new(
        from opCase in OpCases.All.OfType<TapeCase>()
        where opCase.Tensors.Any(t => t.Role == Role.Differentiable)
        from usage in (Usage[])[Usage.Twice, Usage.Onto]
        select (opCase.FullName, usage));

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithTheReference(string opCase) => Check(() => Conformance.AgreesWithReference(OpCases.Named(opCase), TestGpu.Float32));

    [Theory]
    [MemberData(nameof(Usages))]
    public void AddsUpGradients(string opCase, Usage usage) => Check(() => Conformance.AgreesWithReference(OpCases.Named(opCase), TestGpu.Float32, usage));

    public static TheoryData<string> CasesOfSeveralGradients =>
        new(OpCases.All.OfType<TapeCase>().Where(c => c.Tensors.Count(t => t.Role == Role.Differentiable) > 1).Select(c => c.FullName));

    [Theory]
    [MemberData(nameof(CasesOfSeveralGradients))]
    public void BringsEachGradientForItself(string opCase) =>
        Check(() => Conformance.SinksAreIndependent((TapeCase)OpCases.Named(opCase), TestGpu.Float32));

    [Theory]
    [MemberData(nameof(Cases))]
    public void RepeatsItselfBitForBit(string opCase) => Check(() =>
    {
        Conformance.RepeatsBitForBit(OpCases.Named(opCase), TestGpu.Float32);
        TestGpu.ShuffleAgain();
        Conformance.HasTheSameBits(OpCases.Named(opCase), TestGpu.Float32, TestGpu.Float32);
    });

    private static void Check(Action check)
    {
        TestGpu.Require();
        check();
        TestGpu.AssertNothingLeft();
    }
}
