using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The list of a checkpoint's files with their lengths and checksums, written last: its presence says that the checkpoint is complete.
/// Its own last line is the SHA-256 of everything before that line, so that damage to the manifest shows as such.
/// </summary>
internal sealed record CheckpointManifest
{
    public const string FileName = "manifest.json";

    /// <summary>The version of the checkpoint format that this program writes, and the newest that it reads.</summary>
    public const int CurrentFormat = 1;

    private const string SealStart = ",\n  \"sha256\": \"";
    private const string SealEnd = "\"\n}\n";

    public required int Format { get; init; }

    public required long Step { get; init; }

    public required IReadOnlyList<ManifestFile> Files { get; init; }

    /// <summary>The manifest as the bytes of its file.</summary>
    public byte[] ToBytes()
    {
        string text = JsonSerializer.Serialize(this, ManifestJson.Default.CheckpointManifest);
        byte[] body = Encoding.UTF8.GetBytes(text[..text.LastIndexOf('}')].TrimEnd());
        return [.. body, .. Seal(body)];
    }

    /// <summary>Reads a checkpoint folder's manifest.</summary>
    /// <exception cref="StorageException">It is missing or damaged.</exception>
    /// <exception cref="ConfigurationException">It is intact, but of a newer format than this program knows.</exception>
    public static CheckpointManifest Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            throw new StorageException($"{folder} holds no {FileName}: it is no checkpoint, or an incomplete one. Use another checkpoint.");
        }

        byte[] bytes = [];
        StorageFailure.Guard($"read {path}", () => bytes = File.ReadAllBytes(path));

        int sealLength = SealStart.Length + (2 * SHA256.HashSizeInBytes) + SealEnd.Length;
        int bodyLength = Math.Max(0, bytes.Length - sealLength);
        if (!bytes.AsSpan(bodyLength).SequenceEqual(Seal(bytes.AsSpan(0, bodyLength))))
        {
            throw new StorageException($"{path} is damaged: its checksum differs from its contents. Use another checkpoint.");
        }

        try
        {
            // A newer manifest may look different throughout, so its version is read on its own.
            using var document = JsonDocument.Parse(bytes);
            int format = document.RootElement.GetProperty("format").GetInt32();
            if (format != CurrentFormat)
            {
                throw new ConfigurationException(
                    $"{folder} has checkpoint format {format}; this program reads format {CurrentFormat}. Use the version of the program that wrote it.");
            }

            return JsonSerializer.Deserialize(bytes, ManifestJson.Default.CheckpointManifest)!;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StorageException($"{path} is intact but is no checkpoint manifest: {e.Message}", e);
        }
    }

    private static byte[] Seal(ReadOnlySpan<byte> body) =>
        Encoding.ASCII.GetBytes(SealStart + Convert.ToHexStringLower(SHA256.HashData(body)) + SealEnd);
}

/// <summary>One file of a checkpoint.</summary>
internal sealed record ManifestFile(string Name, long Bytes, string Sha256, IReadOnlyList<ManifestTensor> Tensors);

/// <summary>One tensor's bytes, so that damage can be told by the tensor's name even where the file's own header is damaged.</summary>
internal sealed record ManifestTensor(string Name, long Offset, long Bytes, uint Crc32c);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(CheckpointManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
