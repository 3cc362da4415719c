using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>
/// The tensors of a safetensors file that the reference systems wrote, in the folder <c>shared</c> beside the repository. Tests that want them
/// are skipped where it is absent. As little of a reader as will do, so that the production reader is not what checks the mathematics.
/// </summary>
internal sealed class ReferenceTensors
{
    private readonly byte[] _file;
    private readonly JsonElement _header;
    private readonly int _dataStart;

    private ReferenceTensors(string path)
    {
        _file = File.ReadAllBytes(path);
        int headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(_file);
        _header = JsonDocument.Parse(_file.AsMemory(8, headerLength)).RootElement;
        _dataStart = 8 + headerLength;
    }

    public static ReferenceTensors Open(string folder, string name)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "RawDiffusion.sln")))
        {
            root = root.Parent;
        }
        string path = Path.Combine(root?.Parent?.FullName ?? "", "shared", "reference", folder, name);
        Assert.SkipUnless(File.Exists(path), $"{path}, which the reference systems wrote, is not here");
        return new ReferenceTensors(path);
    }

    /// <summary>A tensor of any number type, as doubles.</summary>
    public double[] Read(string name)
    {
        var entry = _header.GetProperty(name);
        var offsets = entry.GetProperty("data_offsets");
        var bytes = _file.AsSpan((_dataStart + offsets[0].GetInt32())..(_dataStart + offsets[1].GetInt32()));
        return entry.GetProperty("dtype").GetString() switch
        {
            "F32" => Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), x => (double)x),
            "F64" => MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
            "I64" => Array.ConvertAll(MemoryMarshal.Cast<byte, long>(bytes).ToArray(), x => (double)x),
            var type => throw new InvalidDataException($"{name} is {type}"),
        };
    }
}
