using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>Which files of a container are images: by their names, and where these do not tell, by their first bytes.</summary>
internal static class ImageFiles
{
    /// <summary>Why text and the like is left out.</summary>
    public const string NoImages = "no images";

    /// <summary>The images' names, in ordinal order; all other files but those that may tell labels are noted.</summary>
    public static string[] Among(IContainer container, LeftOut leftOut)
    {
        var stems = container.Names.Where(ImageNames.IsImage).Select(Stem).ToHashSet(StringComparer.Ordinal);
        return [.. container.Names.Where(name => ImageNames.IsImage(name) || (!LabelFiles.MayTellLabels(name) && IsImage(container, name, stems, leftOut)))];
    }

    private static bool IsImage(IContainer container, string name, HashSet<string> stems, LeftOut leftOut)
    {
        if (ImageNames.IsNoImage(name))
        {
            bool isCaption = name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase) && stems.Contains(Stem(name));
            leftOut.AddFileByEnding(name, isCaption ? "captions, which are not used" : NoImages);
            return false;
        }
        var start = container.ReadStart(name);
        if (start.Failure is { } failure)
        {
            leftOut.AddNamed(name, failure);
            return false;
        }
        // Cameras' raw files begin as TIFF does, too.
        bool isImage = ImageHeader.Detect(start.Bytes) is { } format && (format != ImageFormat.Tiff || Path.GetExtension(name).Length <= 1);
        if (!isImage)
        {
            leftOut.AddFileByEnding(name, "of no image format that is read");
        }
        return isImage;
    }

    private static string Stem(string name) => Path.ChangeExtension(name, null);
}
