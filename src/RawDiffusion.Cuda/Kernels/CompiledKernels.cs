using System.Globalization;
using System.Text.RegularExpressions;

namespace RawDiffusion.Cuda;

/// <summary>A kernel source file's machine code.</summary>
/// <param name="Name">The source file's name without its ending.</param>
/// <param name="Architecture">The chip it is for.</param>
/// <param name="Image">The cubin.</param>
/// <param name="Log">What the compiler said, among it what each kernel uses.</param>
public sealed partial record CompiledKernels(string Name, string Architecture, byte[] Image, string Log)
{
    /// <summary>The kernels' names, by the machine code's own table.</summary>
    public IReadOnlyList<string> Kernels() => Cubin.KernelsOf(Image);

    /// <summary>What each kernel uses, in the compiler's order; empty where the compiler says it in other words than those known, or not at all.</summary>
    public IReadOnlyList<KernelResources> Resources()
    {
        var resources = new List<KernelResources>();
        foreach (Match match in Entry().Matches(Log))
        {
            int Number(string group) => match.Groups[group] is { Success: true, Value: var digits } ? int.Parse(digits, CultureInfo.InvariantCulture) : 0;
            resources.Add(new KernelResources(match.Groups["name"].Value, Number("registers"), Number("stack"), Number("stores"), Number("loads"), Number("shared")));
        }
        return resources;
    }

    // ptxas -v: "Compiling entry function 'k' …", then its stack frame and spills, then "Used 16 registers, …, 256 bytes smem".
    [GeneratedRegex(
        @"entry function '(?<name>\w+)'[^\n]*\n[^\n]*properties for \k<name>\s*\n[^\n]*?" +
        @"(?<stack>\d+) bytes stack frame, (?<stores>\d+) bytes spill stores, (?<loads>\d+) bytes spill loads\s*\n[^\n]*" +
        @"Used (?<registers>\d+) registers(?:[^\n]*?(?<shared>\d+) bytes smem)?")]
    private static partial Regex Entry();
}
