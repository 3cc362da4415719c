namespace RawDiffusion.Images;

/// <summary>The kinds of image files that can be read.</summary>
public enum ImageFormat
{
    /// <summary>PNG, read by <see cref="PngReader"/>.</summary>
    Png,

    /// <summary>JPEG, baseline or progressive.</summary>
    Jpeg,

    /// <summary>WebP, lossy or lossless.</summary>
    WebP,

    /// <summary>GIF; the first frame counts.</summary>
    Gif,

    /// <summary>Windows bitmap.</summary>
    Bmp,

    /// <summary>TIFF; the first page counts.</summary>
    Tiff,

    /// <summary>AVIF.</summary>
    Avif,
}
