using System.Globalization;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.KernelTests;

/// <summary>
/// What each kernel of a file uses on each chip, as the repository records it: <c>Resources/elementwise.txt</c> beside these tests. Run the
/// tests with <c>RAWDIFFUSION_RECORD_KERNELS=1</c> to write the tables anew, and look at what changed.
/// </summary>
internal sealed class ResourceTable
{
    private const string Heading = "# kernel, chip, registers, stack bytes, bytes of spills stored and loaded, static shared bytes; by NVRTC ";

    private readonly string _path;

    private ResourceTable(string path, string version, Dictionary<(string Kernel, string Architecture), string> rows) => (_path, Version, Rows) = (path, version, rows);

    /// <summary>Whether the tables are to be written, not compared with.</summary>
    public static bool Recording => Environment.GetEnvironmentVariable("RAWDIFFUSION_RECORD_KERNELS") == "1";

    /// <summary>The NVRTC that the table is of: another allots registers otherwise.</summary>
    public string Version { get; private set; }

    /// <summary>The recorded lines.</summary>
    public Dictionary<(string Kernel, string Architecture), string> Rows { get; }

    /// <summary>The table of a kernel file; empty where there is none.</summary>
    public static ResourceTable Of(string file)
    {
        string path = Path.Combine(SharedFiles.RepositoryRoot, "tests", "RawDiffusion.KernelTests", "Resources", file + ".txt");
        string[] lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        string version = lines.Length > 0 ? lines[0][Heading.Length..] : "";
        return new ResourceTable(path, version, lines.Skip(1).ToDictionary(Key));
    }

    /// <summary>A kernel's line.</summary>
    public static string Row(KernelResources r, string architecture) => string.Create(
        CultureInfo.InvariantCulture, $"{r.Kernel,-40} {architecture,-8} {r.Registers,3} {r.StackBytes,5} {r.SpillStoreBytes,5} {r.SpillLoadBytes,5} {r.SharedBytes,6}");

    /// <summary>Replaces a chip's lines and writes the table.</summary>
    public void Record(string version, string architecture, IEnumerable<KernelResources> resources)
    {
        foreach (var key in Rows.Keys.Where(k => k.Architecture == architecture).ToArray())
        {
            Rows.Remove(key);
        }
        foreach (var r in resources)
        {
            Rows[(r.Kernel, architecture)] = Row(r, architecture);
        }
        Version = version;
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        File.WriteAllText(_path, string.Concat(Rows.Values.Order(StringComparer.Ordinal).Prepend(Heading + version).Select(line => line + '\n')));
    }

    private static (string, string) Key(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (words[0], words[1]);
    }
}
