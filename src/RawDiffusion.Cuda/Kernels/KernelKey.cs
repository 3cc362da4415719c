using System.Security.Cryptography;
using System.Text;

namespace RawDiffusion.Cuda;

/// <summary>What a compilation depends on, as a digest.</summary>
/// <param name="Name">The source file's name without its ending.</param>
/// <param name="Architecture">The chip.</param>
/// <param name="Digest">SHA-256 of source, headers, options, compiler version and chip, in hexadecimal.</param>
internal sealed record KernelKey(string Name, string Architecture, string Digest)
{
    public static KernelKey Of(KernelSource source, IEnumerable<string> options, string version, string architecture)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
        Add(source.Name);
        Add(source.Text);
        foreach (var (name, text) in source.Headers)
        {
            Add(name);
            Add(text);
        }
        foreach (string option in options)
        {
            Add(option);
        }
        Add(version);
        Add(architecture);
        return new KernelKey(source.Name, architecture, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
