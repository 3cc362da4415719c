using System.Runtime.InteropServices;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>JPEG by libturbojpeg.</summary>
public sealed unsafe partial class TurboJpegCodec : IImageCodec
{
    private const int Rgb = 0, Cmyk = 11;
    private const int ColourSpaceCmyk = 3, ColourSpaceYcck = 4;

    /// <inheritdoc/>
    public bool CanDecode(ImageFormat format) => format == ImageFormat.Jpeg && NativeImageLibrary.HasTurboJpeg;

    /// <inheritdoc/>
    public Image Decode(ReadOnlySpan<byte> file, ImageHeader header)
    {
        nint decoder = tjInitDecompress();
        try
        {
            fixed (byte* data = file)
            {
                Check(decoder, tjDecompressHeader3(decoder, data, (nuint)file.Length, out int width, out int height, out _, out int colourSpace));
                if (height != header.Height || width != header.Width)
                {
                    throw new DataException($"the Jpeg file is damaged: it is both {header.Height}×{header.Width} and {height}×{width}");
                }
                bool inks = colourSpace is ColourSpaceCmyk or ColourSpaceYcck;
                byte[] pixels = new byte[height * (long)width * (inks ? 4 : 3)];
                fixed (byte* target = pixels)
                {
                    Check(decoder, tjDecompress2(decoder, data, (nuint)file.Length, target, width, 0, height, inks ? Cmyk : Rgb, 0));
                }
                return new Image(height, width, 3, inks ? FromInks(pixels) : pixels);
            }
        }
        finally
        {
            tjDestroy(decoder);
        }
    }

    // JPEG files hold inks inverted, as Adobe's programs write them: 255 is no ink.
    private static byte[] FromInks(byte[] cmyk)
    {
        byte[] rgb = new byte[cmyk.Length / 4 * 3];
        for (int i = 0; i < rgb.Length; i++)
        {
            int black = cmyk[i / 3 * 4 + 3];
            rgb[i] = (byte)((cmyk[i / 3 * 4 + i % 3] * black + 127) / 255);
        }
        return rgb;
    }

    private static void Check(nint decoder, int result)
    {
        if (result != 0)
        {
            throw new DataException($"the Jpeg file is truncated or damaged ({Marshal.PtrToStringUTF8(tjGetErrorStr2(decoder))})");
        }
    }

    [LibraryImport(NativeImageLibrary.TurboJpeg)]
    private static partial nint tjInitDecompress();

    [LibraryImport(NativeImageLibrary.TurboJpeg)]
    private static partial int tjDecompressHeader3(nint decoder, byte* data, nuint size, out int width, out int height, out int subsampling, out int colourSpace);

    [LibraryImport(NativeImageLibrary.TurboJpeg)]
    private static partial int tjDecompress2(nint decoder, byte* data, nuint size, byte* target, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(NativeImageLibrary.TurboJpeg)]
    private static partial nint tjGetErrorStr2(nint decoder);

    [LibraryImport(NativeImageLibrary.TurboJpeg)]
    private static partial int tjDestroy(nint decoder);
}
