using System.Reflection;
using System.Text;

namespace RawDiffusion.Cuda;

/// <summary>The kernel sources that this assembly carries: the repository's folder <c>kernels</c>.</summary>
public static class KernelSources
{
    private const string Folder = "kernels/", HeaderFolder = "kernels/include/";

    private static readonly Lazy<IReadOnlyList<KernelSource>> Embedded = new(Read);

    /// <summary>Every source file, in the order of names.</summary>
    public static IReadOnlyList<KernelSource> All => Embedded.Value;

    /// <summary>The source file of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static KernelSource Get(string name) =>
        All.FirstOrDefault(s => s.Name == name)
            ?? throw new ArgumentException($"there is no kernels/{name}.cu; there are {string.Join(", ", All.Select(s => s.Name))}", nameof(name));

    private static KernelSource[] Read()
    {
        var assembly = Assembly.GetExecutingAssembly();
        string[] names = [.. assembly.GetManifestResourceNames().Order(StringComparer.Ordinal)];
        KeyValuePair<string, string>[] headers = [.. names.Where(n => n.StartsWith(HeaderFolder, StringComparison.Ordinal))
            .Select(n => KeyValuePair.Create(n[HeaderFolder.Length..], Text(assembly, n)))];
        return [.. names.Where(n => n.EndsWith(".cu", StringComparison.Ordinal)).Select(n => new KernelSource(n[Folder.Length..^3], Text(assembly, n), headers))];
    }

    private static string Text(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
