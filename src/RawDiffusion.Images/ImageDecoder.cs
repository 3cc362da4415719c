using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>A picture, and what its file was.</summary>
/// <param name="Image">The picture, turned already.</param>
/// <param name="Format">The format that the file's first bytes told.</param>
/// <param name="IsTurned">True if an EXIF orientation turned or mirrored it.</param>
public readonly record struct DecodedImage(Image Image, ImageFormat Format, bool IsTurned);

/// <summary>
/// Decodes image files, each format by one library, so that the pixels are the same on every machine: PNG by ImageSharp, TIFF by LibTiff.NET, JPEG, WebP, GIF
/// and BMP by SkiaSharp. Safe to call from several threads.
/// </summary>
public sealed class ImageDecoder
{
    /// <summary>The decoder.</summary>
    public static ImageDecoder Default { get; } = new();

    private ImageDecoder()
    {
    }

    /// <summary>
    /// The picture in a file's bytes, turned as its EXIF orientation says, what is transparent over black: one channel where the file is a grey PNG, PBM or PGM, else three.
    /// </summary>
    /// <exception cref="DataException">The file is no image of a known format, is damaged, or its size is out of bounds.</exception>
    public Image Decode(ReadOnlySpan<byte> file) => Read(file).Image;

    /// <summary>The picture as <see cref="Decode"/> gives it, with what its file was.</summary>
    /// <exception cref="DataException">As of <see cref="Decode"/>.</exception>
    public DecodedImage Read(ReadOnlySpan<byte> file)
    {
        var format = ImageHeader.Detect(file)
            ?? throw new DataException(file.IsEmpty ? "the file is empty" : $"the file is no image of a known format ({ImageHeader.Describe(file)})");
        try
        {
            var (image, orientation) = format switch
            {
                ImageFormat.Png => PngCodec.Decode(file),
                ImageFormat.Tiff => TiffCodec.Decode(file),
                ImageFormat.Netpbm => (NetpbmReader.Read(file), 1),
                _ => SkiaCodec.Decode(file, format),
            };
            var turned = Orientation.Apply(image, orientation);
            return new DecodedImage(turned, format, turned != image);
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or FileNotFoundException)
        {
            throw new DataException($"the library that reads {format} files could not be loaded; it belongs beside the program ({e.GetBaseException().Message.Split(". ")[0]})", e);
        }
        catch (OutOfMemoryException e)
        {
            throw new DataException($"the {format} picture does not fit into the memory that is there", e);
        }
        // The libraries were not made for hostile bytes: what they throw at some of them is any exception.
        catch (Exception e) when (e is not DataException)
        {
            throw new DataException($"the {format} file is damaged, or of a kind that cannot be read ({e.Message.ReplaceLineEndings(" ")})", e);
        }
    }
}
