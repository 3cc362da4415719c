using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>Pictures that stand in a file as plain bytes, all of one size.</summary>
/// <param name="Format">The file's format, a part of the set's fingerprint.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Pixels">Each picture's bytes [Height, Width, Channels].</param>
/// <param name="Labels">Each picture's class, or null.</param>
/// <param name="ClassNames">The classes; empty if and only if there are no labels.</param>
internal sealed record PlainImages(
    string Format, int Height, int Width, int Channels, ReadOnlyMemory<byte>[] Pixels, int[]? Labels, IReadOnlyList<string> ClassNames)
{
    /// <summary>The set, at the size and with the channels that are asked for.</summary>
    /// <param name="source">What it was read from, for people.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="DataException">It takes too much memory.</exception>
    public IDataset ToDataset(string source, DatasetOptions options)
    {
        using var fingerprint = new Fingerprint().Add(Format).Add(Height).Add(Width).Add(Channels);
        foreach (string name in ClassNames)
        {
            fingerprint.Add(name);
        }
        for (int i = 0; i < Pixels.Length; i++)
        {
            fingerprint.Add(Labels?[i] ?? -1).Add(Pixels[i].Span);
        }
        options.Progress?.Report((Pixels.Length, Pixels.Length));
        return new MemoryDataset(Height, Width, Channels, Pixels, Labels, ClassNames, source, fingerprint.Finish()).FittedTo(options);
    }

    /// <summary>Planes [channels, height, width] as pixels [height, width, channels].</summary>
    public static byte[] Interleave(ReadOnlySpan<byte> planes, int channels)
    {
        byte[] pixels = new byte[planes.Length];
        int plane = planes.Length / channels;
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = planes[i % channels * plane + i / channels];
        }
        return pixels;
    }
}
