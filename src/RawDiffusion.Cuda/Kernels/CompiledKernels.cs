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
    /// <summary>What each kernel uses, in the compiler's order; empty where the compiler does not say.</summary>
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
        @"entry function '(?<name>\w+)'[^\n]*\n[^\n]*properties for \k<name>\s*\n[^\n]*?(?<stack>\d+) bytes stack frame, (?<stores>\d+) bytes spill stores, (?<loads>\d+) bytes spill loads\s*\n[^\n]*Used (?<registers>\d+) registers(?:[^\n]*?(?<shared>\d+) bytes smem)?")]
    private static partial Regex Entry();
}

/// <summary>What a kernel needs of a multiprocessor, as the compiler reports it.</summary>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="StackBytes">Local memory of a thread: arrays that are indexed at run time, and spilled registers.</param>
/// <param name="SpillStoreBytes">Bytes of registers written to local memory for want of registers.</param>
/// <param name="SpillLoadBytes">Bytes read back.</param>
/// <param name="SharedBytes">Static shared memory of a block.</param>
public sealed record KernelResources(string Kernel, int Registers, int StackBytes, int SpillStoreBytes, int SpillLoadBytes, int SharedBytes);
