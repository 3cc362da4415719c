namespace RawDiffusion.Images;

/// <summary>The kinds of image files that can be read.</summary>
public enum ImageFormat
{
    /// <summary>PNG; of an animated one the default image.</summary>
    Png,

    /// <summary>JPEG, baseline or progressive.</summary>
    Jpeg,

    /// <summary>WebP, lossy or lossless; the first frame counts.</summary>
    WebP,

    /// <summary>GIF; the first frame counts.</summary>
    Gif,

    /// <summary>Windows bitmap.</summary>
    Bmp,

    /// <summary>TIFF; the first page counts.</summary>
    Tiff,

    /// <summary>PBM, PGM and PPM; the first picture counts.</summary>
    Netpbm,
}
