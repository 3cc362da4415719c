using System.Security.Cryptography;
using System.Text;

namespace RawDiffusion.Cuda;

/// <summary>
/// Compiled kernels on disk, a file each, named by digest. An entry is written aside and renamed into place, so that any number of
/// processes can share a folder; one that does not check out when read counts as absent and is replaced. A folder that cannot be
/// written to costs time, not the run.
/// </summary>
/// <param name="folder">Where the entries are; made when first written to.</param>
public sealed class KernelCache(string folder)
{
    private static ReadOnlySpan<byte> Magic => "RDK1"u8;

    /// <summary>Where the entries are.</summary>
    public string Folder { get; } = folder;

    /// <summary>
    /// The folder <c>kernels</c> in <c>RAWDIFFUSION_CACHE</c>, or else in <c>rawdiffusion</c> under the user's cache folder
    /// (<c>XDG_CACHE_HOME</c>, <c>~/.cache</c>, or the local application data on Windows).
    /// </summary>
    public static KernelCache Default()
    {
        string? root = Environment.GetEnvironmentVariable("RAWDIFFUSION_CACHE");
        if (string.IsNullOrEmpty(root))
        {
            string? user = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            user = string.IsNullOrEmpty(user) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache") : user;
            root = Path.Combine(user, "rawdiffusion");
        }
        return new KernelCache(Path.Combine(root, "kernels"));
    }

    /// <summary>The entry of a key; null if there is none, or none that is whole.</summary>
    internal CompiledKernels? TryRead(KernelKey key)
    {
        try
        {
            string path = PathOf(key);
            return File.Exists(path) ? Decode(key, File.ReadAllBytes(path)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Stores an entry; silently does not where the folder cannot be written to.</summary>
    internal void Write(KernelKey key, CompiledKernels compiled)
    {
        try
        {
            Directory.CreateDirectory(Folder);
            string aside = Path.Combine(Folder, $"{Guid.NewGuid():n}.tmp");
            try
            {
                File.WriteAllBytes(aside, Encode(key, compiled));
                File.Move(aside, PathOf(key), overwrite: true);
            }
            finally
            {
                File.Delete(aside);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Compiling again next time is all that it costs.
        }
    }

    internal string PathOf(KernelKey key) => Path.Combine(Folder, $"{key.Name}-{key.Architecture}-{key.Digest[..32]}.kernels");

    // Magic, SHA-256 of all that follows, the key's digest, the log, the image; the last two led by their lengths.
    private static byte[] Encode(KernelKey key, CompiledKernels compiled)
    {
        using var body = new MemoryStream();
        using (var writer = new BinaryWriter(body, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(key.Digest);
            writer.Write(compiled.Log);
            writer.Write(compiled.Image.Length);
            writer.Write(compiled.Image);
        }
        byte[] content = body.ToArray();
        return [.. Magic, .. SHA256.HashData(content), .. content];
    }

    private static CompiledKernels? Decode(KernelKey key, byte[] file)
    {
        int start = Magic.Length + SHA256.HashSizeInBytes;
        if (file.Length < start || !file.AsSpan(0, Magic.Length).SequenceEqual(Magic) ||
            !file.AsSpan(Magic.Length, SHA256.HashSizeInBytes).SequenceEqual(SHA256.HashData(file.AsSpan(start))))
        {
            return null;
        }
        using var reader = new BinaryReader(new MemoryStream(file, start, file.Length - start), Encoding.UTF8);
        if (reader.ReadString() != key.Digest)
        {
            return null;
        }
        string log = reader.ReadString();
        return new CompiledKernels(key.Name, key.Architecture, reader.ReadBytes(reader.ReadInt32()), log);
    }
}
