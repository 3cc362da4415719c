using RawDiffusion.Testing;

namespace RawDiffusion.ConformanceTests;

/// <summary>The reference device, by which all others are judged, against finite differences of its own forward.</summary>
public class ReferenceGradientTests
{
    public static IEnumerable<TheoryDataRow<string, Usage>> Cases =>
        from opCase in OpCases.All.OfType<TapeCase>()
        where opCase.Tensors.Any(t => t.Role == Role.Differentiable)
        from usage in (Usage[])[Usage.Once, Usage.Twice, Usage.OntoAll]
        select new TheoryDataRow<string, Usage>(opCase.FullName, usage) { TestDisplayName = $"{opCase}: the reference's gradients are derivatives, {usage}", Label = "" };

    [Theory]
    [MemberData(nameof(Cases))]
    public void GradientsAreDerivatives(string opCase, Usage usage)
    {
        using var device = new ReferenceDevice();
        FiniteDifferences.Check((TapeCase)OpCases.Named(opCase), usage, device);
    }
}
