using RawDiffusion.Testing;

namespace RawDiffusion.ConformanceTests;

/// <summary>The reference device, by which all others are judged, against finite differences of its own forward.</summary>
public class ReferenceGradientTests
{
    public static IEnumerable<TheoryDataRow<string, Usage>> Cases(string check, Usage[] usages) =>
        from opCase in OpCases.All.OfType<TapeCase>()
        where opCase.Tensors.Any(t => t.Role == Role.Differentiable)
        from usage in usages
        select new TheoryDataRow<string, Usage>(opCase.FullName, usage) { TestDisplayName = $"{opCase} on the reference: {check}, {usage}", Label = "" };

    [Theory]
    [MemberData(nameof(Cases), "gradients are derivatives", new[] { Usage.Once, Usage.Twice })]
    public void GradientsAreDerivatives(string opCase, Usage usage)
    {
        using var device = new ReferenceDevice();
        FiniteDifferences.Check((TapeCase)OpCases.Named(opCase), usage, device);
    }

    [Theory]
    [MemberData(nameof(Cases), "gradients are added to what is there", new[] { Usage.Onto })]
    public void GradientsAreAddedToWhatIsThere(string opCase, Usage usage)
    {
        Assert.Equal(Usage.Onto, usage);
        using var device = new ReferenceDevice();
        FiniteDifferences.CheckSums((TapeCase)OpCases.Named(opCase), device);
    }
}
