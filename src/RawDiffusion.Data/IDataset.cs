namespace RawDiffusion.Data;

/// <summary>Images of one size in memory, with or without labels. All members may be called from several threads at once.</summary>
public interface IDataset
{
    /// <summary>Images in the set, at least 1.</summary>
    int Count { get; }

    /// <summary>Rows of each image.</summary>
    int Height { get; }

    /// <summary>Columns of each image.</summary>
    int Width { get; }

    /// <summary>1 (grey) or 3 (RGB).</summary>
    int Channels { get; }

    /// <summary>The name of each class; empty for a set without labels.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>One line for people: how many images, of what kind, from where.</summary>
    string Description { get; }

    /// <summary>
    /// 64 hexadecimal digits (SHA-256) over what the set is made of; two sets of equal fingerprint train alike. Behind "v2-" they are over the decoded pixels of image
    /// files, which up to version 1 were hashed as files.
    /// </summary>
    string Fingerprint { get; }

    /// <summary>The fingerprint that earlier versions gave, if there is another and they read the same pixels; else null.</summary>
    string? FormerFingerprint => null;

    /// <summary>The class of an image, in 0..ClassNames.Count−1, or −1 in a set without labels.</summary>
    int Label(int index);

    /// <summary>Writes an image's bytes [Height, Width, Channels].</summary>
    void Read(int index, Span<byte> hwc);
}
