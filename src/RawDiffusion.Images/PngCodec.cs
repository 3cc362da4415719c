using RawDiffusion.Core;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.Metadata.Profiles.Exif;
using SixLabors.ImageSharp.PixelFormats;

namespace RawDiffusion.Images;

/// <summary>PNG by ImageSharp, of every colour type and bit depth, interlaced or not. Deeper samples are rounded to 8 bits; transparent parts are over black.</summary>
internal static class PngCodec
{
    /// <summary>ImageSharp with PNG as its only format, and no more memory than the largest picture takes.</summary>
    public static Configuration Configuration { get; } = new(new PngConfigurationModule())
    {
        MemoryAllocator = MemoryAllocator.Create(new MemoryAllocatorOptions { MaximumPoolSizeMegabytes = 64, AllocationLimitMegabytes = Image.MaxPixels / (1 << 20) * 8 }),
        MaxDegreeOfParallelism = 1,
    };

    /// <summary>The picture, of one channel for grey types and three for palette and RGB types, and its orientation as EXIF counts them.</summary>
    /// <exception cref="DataException">The file is truncated or damaged; the message names what is wrong, not the file.</exception>
    public static (Image Image, int Orientation) Decode(ReadOnlySpan<byte> file)
    {
        var chunks = new PngChunks(file);
        bool plain = chunks.Depth <= 8 && !chunks.HasAlpha;
        var image = (plain, chunks.IsGrey) switch
        {
            (true, true) => Read<L8>(chunks, static (pixels, target) =>
            {
                for (int i = 0; i < pixels.Length; i++)
                {
                    target[i] = pixels[i].PackedValue;
                }
            }),
            (true, false) => Read<Rgb24>(chunks, static (pixels, target) =>
            {
                for (int i = 0; i < pixels.Length; i++)
                {
                    (target[3 * i], target[3 * i + 1], target[3 * i + 2]) = (pixels[i].R, pixels[i].G, pixels[i].B);
                }
            }),
            (false, true) => Read<La32>(chunks, static (pixels, target) =>
            {
                for (int i = 0; i < pixels.Length; i++)
                {
                    target[i] = OverBlack(pixels[i].L, pixels[i].A);
                }
            }),
            _ => Read<Rgba64>(chunks, static (pixels, target) =>
            {
                for (int i = 0; i < pixels.Length; i++)
                {
                    var pixel = pixels[i];
                    (target[3 * i], target[3 * i + 1], target[3 * i + 2]) = (OverBlack(pixel.R, pixel.A), OverBlack(pixel.G, pixel.A), OverBlack(pixel.B, pixel.A));
                }
            }),
        };
        return (image, chunks.Exif.Length == 0 ? 1 : OrientationOf(chunks.Exif));
    }

    private static int OrientationOf(byte[] exif)
    {
        // ImageSharp makes an array of this type by reflection, which native code has only where it is mentioned.
        GC.KeepAlive(Array.Empty<ExifDataType>());
        return new ExifProfile(exif).GetValue(ExifTag.Orientation)?.Value ?? 1;
    }

    private static Image Read<TPixel>(PngChunks chunks, Action<ReadOnlySpan<TPixel>, Span<byte>> convert)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        using var read = SixLabors.ImageSharp.Image.Load<TPixel>(Configuration, chunks.Pure, new PngDecoder());
        var image = new Image(read.Height, read.Width, chunks.IsGrey ? 1 : 3);
        int rowBytes = image.Width * image.Channels;
        read.ProcessPixelRows(rows =>
        {
            for (int y = 0; y < rows.Height; y++)
            {
                convert(rows.GetRowSpan(y), image.Pixels.AsSpan(y * rowBytes, rowBytes));
            }
        });
        return image;
    }

    // value/65535 · alpha/65535 in 0..255, rounded to the nearest; exact for samples of 8 bits, too.
    private static byte OverBlack(long value, long alpha)
    {
        const long Max = ushort.MaxValue;
        return (byte)((2 * 255 * value * alpha + Max * Max) / (2 * Max * Max));
    }
}
