namespace RawDiffusion.Core;

/// <summary>Several faults as one message.</summary>
public static class ProblemList
{
    /// <summary>One fault in the same sentence; several one a line, after their number.</summary>
    /// <param name="what">What came of them, without a full stop, such as <c>The run cannot start</c>.</param>
    /// <param name="problems">Each without a full stop; at least one.</param>
    public static string Tell(string what, IReadOnlyList<string> problems) => problems.Count == 1
        ? $"{what}: {problems[0]}."
        : $"{what}, for {problems.Count} reasons:\n  {string.Join("\n  ", problems)}";
}
