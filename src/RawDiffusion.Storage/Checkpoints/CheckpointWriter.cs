using System.Text.Json;
using System.Text.Json.Nodes;

namespace RawDiffusion.Storage;

/// <summary>
/// Fills one new folder with a checkpoint: each file hashed while it is written and made durable, the manifest last, then the folder.
/// </summary>
internal sealed class CheckpointWriter(IFileSystem fileSystem, string folder)
{
    public const string StateFileName = "state.json";

    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };
    private static readonly Dictionary<string, string> Metadata = new() { ["format"] = "rawdiffusion" };

    private readonly List<ManifestFile> _files = [];

    /// <exception cref="IOException">A file cannot be written; what is there is to be deleted.</exception>
    public void Write(CheckpointContents contents)
    {
        fileSystem.CreateFolder(folder);
        foreach (var file in contents.TensorFiles)
        {
            WriteFile(file.Name, (stream, written) => SafetensorsWriter.Write(stream, file.Tensors, Metadata, written));
        }

        WriteFile(StateFileName, (stream, _) => WriteJson(stream, contents.State));
        var manifest = new CheckpointManifest { Format = CheckpointManifest.CurrentFormat, Step = contents.Step, Files = _files };
        WriteFile(CheckpointManifest.FileName, (stream, _) => stream.Write(manifest.ToBytes()));
        fileSystem.SyncFolder(folder);
    }

    /// <summary>Writes a JSON document as people like to read it.</summary>
    public static void WriteJson(Stream stream, JsonNode document)
    {
        using (var json = new Utf8JsonWriter(stream, Indented))
        {
            document.WriteTo(json);
        }

        stream.Write("\n"u8);
    }

    private void WriteFile(string name, Action<Stream, SafetensorsWriter.TensorWritten> write)
    {
        var tensors = new List<ManifestTensor>();
        using var file = fileSystem.Create(Path.Combine(folder, name));
        using var hashing = new HashingStream(file);
        write(hashing, (entry, data) => tensors.Add(new ManifestTensor(entry.Name, entry.Offset, entry.Length, Crc32C.Append(Crc32C.Empty, data))));
        fileSystem.Sync(file);
        _files.Add(new ManifestFile(name, hashing.Length, hashing.Finish(), tensors));
    }
}
