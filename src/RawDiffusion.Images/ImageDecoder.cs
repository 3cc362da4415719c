using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>A system library that decodes some image formats.</summary>
public interface IImageCodec
{
    /// <summary>True if this codec knows the format and its library can be loaded.</summary>
    bool CanDecode(ImageFormat format);

    /// <summary>The picture, always of three channels; transparent parts over black. Safe to call from several threads.</summary>
    /// <exception cref="DataException">The file is damaged or of a kind the library does not know.</exception>
    Image Decode(ReadOnlySpan<byte> file, ImageHeader header);
}

/// <summary>Decodes image files: PNG by itself, other formats by the first of its codecs that can.</summary>
/// <param name="codecs">Codecs in order of preference.</param>
public sealed class ImageDecoder(IReadOnlyList<IImageCodec> codecs)
{
    /// <summary>The decoder over the system's libgd, and over libturbojpeg for JPEG where libgd is missing.</summary>
    public static ImageDecoder Default { get; } = new([new GdCodec(), new TurboJpegCodec()]);

    /// <summary>True if files of this format can be decoded here.</summary>
    public bool CanDecode(ImageFormat format) => format == ImageFormat.Png || codecs.Any(codec => codec.CanDecode(format));

    /// <summary>The picture in a file's bytes: one channel where the file is a grey PNG, else three.</summary>
    /// <exception cref="DataException">The file is no image, is damaged, its size is out of bounds, or the library for its format is missing.</exception>
    public Image Decode(ReadOnlySpan<byte> file)
    {
        var header = ImageHeader.Read(file);
        if (header.Format == ImageFormat.Png)
        {
            return PngReader.Read(file);
        }
        var codec = codecs.FirstOrDefault(codec => codec.CanDecode(header.Format)) ?? throw MissingLibrary(header.Format);
        return codec.Decode(file, header);
    }

    /// <summary>The failure to report where a format's library is not installed, naming the packages that bring it.</summary>
    public static DataException MissingLibrary(ImageFormat format) => new(
        $"{format} images are decoded by the system library libgd (libgd.so.3), which is not installed. Install it (Debian and Ubuntu: "
        + "apt-get install libgd3; Fedora: dnf install gd; macOS: brew install gd)" + (format == ImageFormat.Jpeg ? "; for JPEG, libturbojpeg0 is enough" : "")
        + ". PNG images, MNIST's IDX files and CIFAR-10's binary files need no library.");
}
