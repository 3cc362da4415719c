namespace RawDiffusion.Data;

/// <summary>What the ending of a file's name says of it.</summary>
internal static class ImageNames
{
    private static readonly string[] _images =
    [
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".avif", ".pgm", ".ppm", ".pbm", ".pnm",
    ];

    // Text beside images, of which there may be one for each; and what looks like an image by its bytes, but is a copy or a preview of one.
    private static readonly string[] _others =
    [
        ".txt", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".yaml", ".yml", ".md", ".html", ".cls", ".caption",
        ".bak", ".old", ".orig", ".tmp", ".part", ".crdownload", ".thm",
    ];

    /// <summary>True for names that an image has; what it is in truth, its bytes tell.</summary>
    public static bool IsImage(string name) => _images.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>True for names that no image has, or none that was meant to be trained on.</summary>
    public static bool IsNoImage(string name) => _others.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)
        || name.EndsWith('~') || name.EndsWith("_original", StringComparison.Ordinal);
}
