using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>A checkpoint opened for reading, every byte of which has been verified against its manifest.</summary>
public sealed class Checkpoint : IDisposable
{
    private const int ChunkBytes = 1 << 20;

    private readonly Dictionary<string, SafetensorsReader> _tensorFiles = new(StringComparer.Ordinal);

    private Checkpoint(string path, long step) => (Path, Step) = (path, step);

    /// <summary>The checkpoint's folder.</summary>
    public string Path { get; }

    /// <summary>The number of optimiser steps done when it was saved.</summary>
    public long Step { get; }

    /// <summary>Everything that is not a tensor, as it was given to <see cref="CheckpointContents"/>.</summary>
    public JsonObject State { get; private set; } = [];

    /// <summary>The names of its files of tensors.</summary>
    public IEnumerable<string> TensorFileNames => _tensorFiles.Keys;

    /// <summary>Opens a checkpoint folder and verifies all of its files.</summary>
    /// <exception cref="StorageException">Something is missing or damaged; the message names the file and, where it is one, the tensor.</exception>
    /// <exception cref="ConfigurationException">It was written by a newer version of the program.</exception>
    public static Checkpoint Open(string path)
    {
        var manifest = CheckpointManifest.Read(path);
        var checkpoint = new Checkpoint(path, manifest.Step);
        try
        {
            foreach (var file in manifest.Files)
            {
                checkpoint.Add(file);
            }

            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Whether it has a file of tensors of this name, such as <c>ema.safetensors</c>.</summary>
    public bool Contains(string fileName) => _tensorFiles.ContainsKey(fileName);

    /// <summary>One of its files of tensors; it is closed with the checkpoint.</summary>
    /// <exception cref="StorageException">There is no such file.</exception>
    public SafetensorsReader Tensors(string fileName) => _tensorFiles.TryGetValue(fileName, out var reader)
        ? reader
        : throw new StorageException($"The checkpoint {Path} holds no {fileName}; it holds {string.Join(", ", _tensorFiles.Keys)}.");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var reader in _tensorFiles.Values)
        {
            reader.Dispose();
        }
    }

    private void Add(ManifestFile file)
    {
        if (System.IO.Path.GetFileName(file.Name) != file.Name)
        {
            throw new StorageException($"The manifest of {Path} lists {SafetensorsHeader.Quote(file.Name)}, which is not a file of its folder.");
        }

        string path = System.IO.Path.Combine(Path, file.Name);
        StorageFailure.Guard($"read {path}", () => Verify(file, path));
        if (file.Name == CheckpointWriter.StateFileName)
        {
            State = ReadState(path);
        }
        else
        {
            _tensorFiles.Add(file.Name, SafetensorsReader.Open(path));
        }
    }

    private static JsonObject ReadState(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllBytes(path))?.AsObject() ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new StorageException($"{path} is intact but holds no JSON object: {e.Message}", e);
        }
    }

    private static void Verify(ManifestFile file, string path)
    {
        if (!File.Exists(path))
        {
            throw new StorageException($"{path} is missing, though the checkpoint's manifest lists it. Use another checkpoint.");
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        if (stream.Length < file.Bytes)
        {
            var cut = file.Tensors.FirstOrDefault(tensor => tensor.Offset + tensor.Bytes > stream.Length);
            string where = cut is null ? "" : $"; tensor {SafetensorsHeader.Quote(cut.Name)} is the first that is cut off";
            throw new StorageException($"{path} is truncated: {stream.Length} bytes found, {file.Bytes} expected{where}. Use another checkpoint.");
        }
        if (stream.Length > file.Bytes)
        {
            throw new StorageException($"{path} has {stream.Length} bytes, {file.Bytes} expected: it was changed after it was saved. Use another checkpoint.");
        }

        if (Convert.ToHexStringLower(SHA256.HashData(stream)) != file.Sha256)
        {
            throw new StorageException($"{path} is damaged in {Locate(file, stream)}: its checksum differs from the manifest's. Use another checkpoint.");
        }
    }

    /// <summary>Finds the damage that the file's hash has shown to exist.</summary>
    private static string Locate(ManifestFile file, FileStream stream)
    {
        var damaged = file.Tensors.Where(tensor => Checksum(stream, tensor.Offset, tensor.Bytes) != tensor.Crc32c).ToArray();
        return damaged.Length switch
        {
            0 when file.Tensors.Count == 0 => "its contents",
            0 => "its header",
            1 => $"tensor {SafetensorsHeader.Quote(damaged[0].Name)}",
            _ => $"tensor {SafetensorsHeader.Quote(damaged[0].Name)} and {damaged.Length - 1} others",
        };
    }

    private static uint Checksum(FileStream stream, long offset, long length)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        uint checksum = Crc32C.Empty;
        stream.Position = offset;
        while (length > 0)
        {
            int read = stream.Read(chunk, 0, (int)Math.Min(length, ChunkBytes));
            if (read == 0)
            {
                break;
            }

            checksum = Crc32C.Append(checksum, chunk.AsSpan(0, read));
            length -= read;
        }
        ArrayPool<byte>.Shared.Return(chunk);
        return checksum;
    }
}
