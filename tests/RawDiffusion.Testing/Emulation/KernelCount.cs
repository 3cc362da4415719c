using System.Text.RegularExpressions;
using RawDiffusion.Cuda;

namespace RawDiffusion.Testing;

/// <summary>How many kernels a source file defines, by its text alone.</summary>
public static partial class KernelCount
{
    /// <summary>Those that are written out, and those of each use of a macro that defines some.</summary>
    public static int In(KernelSource source)
    {
        string[] lines = Comment().Replace(source.Text.ReplaceLineEndings("\n").Replace("\\\n", " ", StringComparison.Ordinal), "").Split('\n');
        var macros = new Dictionary<string, int>();
        int count = 0;
        foreach (string line in lines)
        {
            int defined = Definition().Count(line);
            if (Macro().Match(line) is { Success: true } macro)
            {
                macros[macro.Groups["name"].Value] = defined;
            }
            else
            {
                count += defined + macros.Where(m => line.StartsWith(m.Key + "(", StringComparison.Ordinal)).Sum(m => m.Value);
            }
        }
        return count;
    }

    [GeneratedRegex("//[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\bKERNEL\b")]
    private static partial Regex Definition();

    [GeneratedRegex(@"^#define (?<name>\w+)\(")]
    private static partial Regex Macro();
}
