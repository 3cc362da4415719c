using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.PixelFormats;

namespace RawDiffusion.Images;

/// <summary>Writes PNG files of 8-bit grey or RGB.</summary>
public static class PngWriter
{
    /// <summary>The file's bytes.</summary>
    public static byte[] Encode(Image image)
    {
        // Photographs shrink best when each row has the filter with the smallest residues, charts and other flat art without any.
        byte[] adaptive = Encode(image, PngFilterMethod.Adaptive), plain = Encode(image, PngFilterMethod.None);
        return adaptive.Length < plain.Length ? adaptive : plain;
    }

    /// <summary>Writes the file, replacing one that is there.</summary>
    public static void Write(Image image, string path) => File.WriteAllBytes(path, Encode(image));

    private static byte[] Encode(Image image, PngFilterMethod filter)
    {
        var file = new MemoryStream();
        var encoder = new PngEncoder
        {
            BitDepth = PngBitDepth.Bit8,
            ColorType = image.Channels == 1 ? PngColorType.Grayscale : PngColorType.Rgb,
            CompressionLevel = PngCompressionLevel.BestCompression,
            FilterMethod = filter,
            ChunkFilter = PngChunkFilter.ExcludeAll,
        };
        using SixLabors.ImageSharp.Image picture = image.Channels == 1
            ? SixLabors.ImageSharp.Image.LoadPixelData<L8>(PngCodec.Configuration, image.Pixels, image.Width, image.Height)
            : SixLabors.ImageSharp.Image.LoadPixelData<Rgb24>(PngCodec.Configuration, image.Pixels, image.Width, image.Height);
        picture.Save(file, encoder);
        return file.ToArray();
    }
}
