using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace RawDiffusion.Data;

/// <summary>A SHA-256 over a sequence of texts, numbers and byte strings, each with its length so that no two sequences run together.</summary>
internal sealed class Fingerprint : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public Fingerprint Add(long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        _hash.AppendData(bytes);
        return this;
    }

    public Fingerprint Add(ReadOnlySpan<byte> bytes)
    {
        Add(bytes.Length);
        _hash.AppendData(bytes);
        return this;
    }

    public Fingerprint Add(string text) => Add(Encoding.UTF8.GetBytes(text));

    /// <summary>The 64 digits; ends the sequence.</summary>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
