using System.Buffers.Binary;
using RawDiffusion.Core;
using SkiaSharp;

namespace RawDiffusion.Images;

/// <summary>JPEG, WebP, GIF and BMP by SkiaSharp: its decoders are libjpeg-turbo, libwebp and Wuffs, and say where a file ends before its pixels do.</summary>
internal static class SkiaCodec
{
    /// <summary>The picture of three channels, and its orientation as EXIF counts them.</summary>
    /// <exception cref="DataException">The file is truncated or damaged, or its size is out of bounds.</exception>
    public static unsafe (Image Image, int Orientation) Decode(ReadOnlySpan<byte> file, ImageFormat format)
    {
        RequireWhole(file, format);
        fixed (byte* bytes = file)
        {
            using var data = SKData.Create((nint)bytes, file.Length);
            using var codec = SKCodec.Create(data) ?? throw new DataException($"the {format} file is truncated or damaged: its header cannot be read");
            var (width, height) = (codec.Info.Width, codec.Info.Height);
            ImageHeader.CheckSize(height, width, file.Length, PixelsPerByte(file, format));
            // Without a colour space, the bytes are those of the file, as other tools for training take them.
            var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
            byte[] rgba = GC.AllocateUninitializedArray<byte>(info.BytesSize);
            fixed (byte* pixels = rgba)
            {
                var result = codec.GetPixels(info, (nint)pixels);
                if (result != SKCodecResult.Success)
                {
                    throw new DataException(result == SKCodecResult.IncompleteInput
                        ? $"the {format} file is truncated: its pixels end too early"
                        : $"the {format} file is damaged or of a kind that cannot be read ({result})");
                }
            }
            return (OverBlack(rgba, height, width, codec.Info.AlphaType == SKAlphaType.Opaque), (int)codec.EncodedOrigin);
        }
    }

    // What the decoders would take for a whole file: a JPEG without its end, and a WebP whose EXIF, which stands last, is cut off.
    private static void RequireWhole(ReadOnlySpan<byte> file, ImageFormat format)
    {
        if (format == ImageFormat.Jpeg)
        {
            JpegMarkers.Check(file);
        }
        else if (format == ImageFormat.WebP && 8L + BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) > file.Length)
        {
            throw new DataException($"the WebP file is truncated: it says that it has {8L + BinaryPrimitives.ReadUInt32LittleEndian(file[4..])} bytes, and has {file.Length}");
        }
    }

    // A JPEG holds at least a bit for each block of 8×8 (its first scan), GIF's longest code is of 12 bits and stands for up to 4096 pixels, and a BMP without runs
    // has at least a bit for each pixel. A WebP, or a BMP with runs, of a single colour may have any size.
    private static long PixelsPerByte(ReadOnlySpan<byte> file, ImageFormat format)
    {
        const int CoreHeader = 12, CompressionAt = 30;
        return format switch
        {
            ImageFormat.Jpeg => 8 * 64,
            ImageFormat.Gif => 4096 * 8 / 12,
            ImageFormat.Bmp => file[14] == CoreHeader || (file.Length > CompressionAt && file[CompressionAt] is 0 or 3) ? 8 : 0,
            _ => 0,
        };
    }

    private static Image OverBlack(ReadOnlySpan<byte> rgba, int height, int width, bool opaque)
    {
        var image = new Image(height, width, 3, GC.AllocateUninitializedArray<byte>(height * width * 3));
        var rgb = image.Pixels.AsSpan();
        for (int i = 0, at = 0; i < rgba.Length; i += 4, at += 3)
        {
            if (opaque)
            {
                (rgb[at], rgb[at + 1], rgb[at + 2]) = (rgba[i], rgba[i + 1], rgba[i + 2]);
                continue;
            }
            for (int c = 0; c < 3; c++)
            {
                rgb[at + c] = (byte)((2 * rgba[i + c] * rgba[i + 3] + 255) / 510);
            }
        }
        return image;
    }
}
