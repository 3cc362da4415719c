using RawDiffusion.Core;
using RawDiffusion.Testing;

namespace RawDiffusion.ConformanceTests;

/// <summary>The suite's own tests: each way to break a device is caught, by a message that says where.</summary>
public class ConformanceSuiteTests
{
    private static readonly TapeCase _case = (TapeCase)OpCases.Named("Silu/n=33");

    [Fact]
    public void AWrongForwardIsCaughtAtItsElement() =>
        Caught("y[0, 32] of [1, 33] is", device => Conformance.AgreesWithReference(_case, device), () => new SlightlyWrongForward());

    [Fact]
    public void AWrongBackwardIsCaughtAtItsElement() =>
        Caught("∂x[0, 32] of [1, 33] is", device => Conformance.AgreesWithReference(_case, device), () => new SlightlyWrongBackward());

    [Fact]
    public void AnElementThatWasNotWrittenIsCaught() =>
        Caught("y[0, 32] of [1, 33] is NaN", device => Conformance.AgreesWithReference(_case, device), () => new ForgetsTheLastElement());

    [Theory]
    [InlineData(Usage.Twice)]
    [InlineData(Usage.Onto)]
    public void OverwritingASumIsCaught(Usage usage) =>
        Caught("∂x[", device => Conformance.AgreesWithReference(_case, device, usage), () => new NeverAccumulates());

    [Fact]
    public void OneFlagForTwoGradientsIsCaught()
    {
        var normalisation = (TapeCase)OpCases.Named("GroupNorm/plain");
        var broken = new DeviceUnderTest("broken", () => new OneFlagForTwo(), Precision.Float64);
        Conformance.AgreesWithReference(normalisation, broken);
        Conformance.AgreesWithReference(normalisation, broken, Usage.Onto);
        var error = Assert.Throws<ConformanceException>(() => Conformance.SinksAreIndependent(normalisation, broken));
        Assert.Contains("GroupNorm/plain: ∂beta[0] of [8] should have the same bits on broken and where gradients are not wanted, overwritten and added to in turn", error.Message);
    }

    [Fact]
    public void AddingToUndefinedContentIsCaught() =>
        Caught("is NaN", device => Conformance.AgreesWithReference(_case, device), () => new AlwaysAccumulates());

    [Fact]
    public void WritingPastTheEndIsCaught() =>
        Caught("bytes were overwritten 0 bytes past the end of '∂x'", device => Conformance.AgreesWithReference(_case, device), () => new WritesPastTheEnd());

    [Fact]
    public void ChangingAnInputIsCaught() =>
        Caught("the input 'x' [1, 33] Float64 was changed", device => Conformance.AgreesWithReference(_case, device), () => new ChangesItsInput());

    [Fact]
    public void ALeakIsCaught() =>
        Caught("1 blocks of memory were left behind", device => Conformance.AgreesWithReference(_case, device), () => new Leaks());

    [Fact]
    public void ResultsThatVaryAreCaught() =>
        Caught("should have the same bits on broken and in a second run", device => Conformance.RepeatsBitForBit(_case, device), () => new NeverTheSame());

    [Fact]
    public void BitsThatDifferBetweenTwinsAreCaught() =>
        Caught("should have the same bits on broken and on reference", device => Conformance.HasTheSameBits(_case, device, DeviceUnderTest.Named("reference")), () => new SlightlyWrongForward());

    [Fact]
    public void FiniteDifferencesCatchAWrongBackward()
    {
        using var device = new SlightlyWrongBackward();
        var error = Assert.Throws<ConformanceException>(() => FiniteDifferences.Check(_case, Usage.Once, device));
        Assert.Contains("∂x at element 32 is", error.Message);
    }

    [Fact]
    public void FiniteDifferencesCatchAWrongBackwardAlongDirections()
    {
        // 1,025 elements are only sampled; this error is in all of them.
        using var device = new WrongEverywhere();
        Assert.Throws<ConformanceException>(() => FiniteDifferences.Check((TapeCase)OpCases.Named("Silu/n=1025"), Usage.Once, device));
    }

    [Fact]
    public void AnUnbrokenDeviceOfTheSameKindPasses()
    {
        var device = new DeviceUnderTest("unbroken", () => new ReferenceDevice(), Precision.Float64);
        Conformance.AgreesWithReference(_case, device);
        Conformance.RepeatsBitForBit(_case, device);
    }

    private static void Caught(string message, Action<DeviceUnderTest> check, Func<Device> create)
    {
        var error = Assert.Throws<ConformanceException>(() => check(new DeviceUnderTest("broken", create, Precision.Float64)));
        Assert.Contains(message, error.Message);
        Assert.Contains(_case.FullName, error.Message);
    }

    private sealed class WrongEverywhere : ReferenceDevice
    {
        protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx)
        {
            base.SiluBackwardCore(dy, x, dx);
            foreach (ref double d in Reals(dx.Tensor!))
            {
                d *= 1.00001;
            }
        }
    }
}
