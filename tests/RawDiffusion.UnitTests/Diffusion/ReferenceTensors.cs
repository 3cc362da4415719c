using System.Runtime.InteropServices;
using RawDiffusion.Storage;
using RawDiffusion.UnitTests.Storage;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>The tensors of a file that the reference systems wrote, of any number type, as doubles. Tests that want them are skipped where it is absent.</summary>
internal sealed class ReferenceTensors(string folder, string file)
{
    private readonly string _path = Path.Combine(ReferenceFiles.Folder(folder), file);

    public double[] Read(string name)
    {
        using var reader = SafetensorsReader.Open(_path);
        return reader.Entry(name).DType switch
        {
            TensorDType.F64 => MemoryMarshal.Cast<byte, double>(reader.ReadBytes(name)).ToArray(),
            TensorDType.I64 => Array.ConvertAll(reader.ReadInt64(name), x => (double)x),
            _ => Array.ConvertAll(reader.ReadFloats(name), x => (double)x),
        };
    }
}
