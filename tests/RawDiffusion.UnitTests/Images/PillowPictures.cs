using System.Security.Cryptography;
using RawDiffusion.Images;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Images;

/// <summary>The stored pictures of every format, with what Pillow reads in them; <c>make.py</c> beside them says how they came about.</summary>
internal static class PillowPictures
{
    /// <summary>The folder of the pictures.</summary>
    public static string Folder { get; } = StoredFiles.Folder("pictures");

    /// <summary>The names, each with the size and the hash that Pillow's pixels have.</summary>
    public static IReadOnlyDictionary<string, (int Height, int Width, string Hash)> All { get; } = File.ReadLines(Path.Combine(Folder, "pixels.txt"))
        .Select(line => line.Split(' ')).ToDictionary(fields => fields[0], fields => (int.Parse(fields[1]), int.Parse(fields[2]), fields[3]));

    /// <summary>The format that a name's ending tells.</summary>
    public static string Kind(string name) => Path.GetExtension(name) is ".pbm" or ".pgm" or ".ppm" ? ".pnm" : Path.GetExtension(name);

    /// <summary>A file's bytes.</summary>
    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Folder, name));

    /// <summary>The hash of a picture's RGB bytes, as the script writes it.</summary>
    public static string Hash(Image image) => Convert.ToHexStringLower(SHA256.HashData(image.WithChannels(3).Pixels))[..16];

    /// <summary>A copy with one to three bytes changed, most of them near the beginning, where the headers are.</summary>
    public static byte[] Damage(byte[] file, Random random)
    {
        byte[] damaged = [.. file];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(random.Next(4) == 0 ? file.Length : Math.Min(file.Length, 200));
            damaged[at] = (byte)(random.Next(3) == 0 ? 255 : random.Next(256));
        }
        return damaged;
    }
}
