using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>JPEG (CMYK too), WebP, GIF, BMP, TIFF and AVIF by libgd.</summary>
public sealed unsafe partial class GdCodec : IImageCodec
{
    // libgd reports through a callback on the calling thread; a file that is damaged gives one message or more, the first tells most.
    [ThreadStatic]
    private static string? t_message;

    private static readonly Lazy<bool> Loaded = new(() =>
    {
        if (NativeImageLibrary.HasGd)
        {
            gdSetErrorMethod(&OnError);
        }
        return NativeImageLibrary.HasGd;
    });

    /// <inheritdoc/>
    public bool CanDecode(ImageFormat format) => format != ImageFormat.Png && Loaded.Value;

    /// <inheritdoc/>
    public Image Decode(ReadOnlySpan<byte> file, ImageHeader header)
    {
        RequireReadable(file, header.Format);
        t_message = null;
        nint picture;
        fixed (byte* data = file)
        {
            try
            {
                picture = Create(header.Format, file.Length, data);
            }
            catch (EntryPointNotFoundException e)
            {
                throw new DataException($"this system's libgd was built without {header.Format}", e);
            }
        }
        if (picture == 0)
        {
            throw new DataException($"the {header.Format} file is truncated, damaged or of a kind that libgd does not "
                + "know" + (t_message is null ? "" : $" ({t_message})"));
        }
        try
        {
            // libjpeg "recovers" from damage by inventing pixels, and libgd then only reports it.
            return header.Format == ImageFormat.Jpeg && t_message is not null
                ? throw new DataException($"the Jpeg file is truncated or damaged ({t_message})")
                : Copy(picture);
        }
        finally
        {
            gdImageDestroy(picture);
        }
    }

    // What libgd decodes wrongly without a word.
    private static void RequireReadable(ReadOnlySpan<byte> file, ImageFormat format)
    {
        const int ShortBmpHeader = 40;
        switch (format)
        {
            case ImageFormat.Gif when !file.TrimEnd((byte)0).EndsWith(";"u8):
                throw new DataException("the Gif file is truncated: its end mark is missing");
            case ImageFormat.Tiff:
                new TiffDirectory(file).RequireComplete();
                break;
            case ImageFormat.Bmp when file[14] > ShortBmpHeader && file.Length > 28 && file[28] <= 8:
                throw new DataException("the Bmp file has a palette and a header of version 4 or 5, which libgd misreads; convert it to PNG");
        }
    }

    private static nint Create(ImageFormat format, int size, byte* data) => format switch
    {
        ImageFormat.Jpeg => gdImageCreateFromJpegPtrEx(size, data, 0),
        ImageFormat.WebP => gdImageCreateFromWebpPtr(size, data),
        ImageFormat.Gif => gdImageCreateFromGifPtr(size, data),
        ImageFormat.Bmp => gdImageCreateFromBmpPtr(size, data),
        ImageFormat.Tiff => gdImageCreateFromTiffPtr(size, data),
        _ => gdImageCreateFromAvifPtr(size, data),
    };

    private static Image Copy(nint picture)
    {
        // A new picture's clipping rectangle is all of it; libgd has no other function that tells the size.
        gdImageGetClip(picture, out _, out _, out int right, out int bottom);
        var image = new Image(bottom + 1, right + 1, 3);
        int at = 0;
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                int colour = gdImageGetTrueColorPixel(picture, x, y), opacity = 127 - ((colour >> 24) & 127);
                for (int shift = 16; shift >= 0; shift -= 8)
                {
                    image.Pixels[at++] = (byte)((2 * ((colour >> shift) & 255) * opacity + 127) / 254);
                }
            }
        }
        return image;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnError(int priority, byte* format, nint arguments)
    {
        const int Length = 300;
        byte* text = stackalloc byte[Length];
        try
        {
            int written = vsnprintf(text, Length, format, arguments);
            t_message ??= Encoding.UTF8.GetString(text, Math.Clamp(written, 0, Length - 1)).Trim();
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // No exception may leave for libgd. Without the C library's formatting, the bare template still tells the kind of fault.
            t_message ??= Marshal.PtrToStringUTF8((nint)format) ?? "unknown fault";
        }
    }

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial nint gdImageCreateFromJpegPtrEx(int size, byte* data, int ignoreWarning);

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial nint gdImageCreateFromWebpPtr(int size, byte* data);

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial nint gdImageCreateFromGifPtr(int size, byte* data);

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial nint gdImageCreateFromBmpPtr(int size, byte* data);

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial nint gdImageCreateFromTiffPtr(int size, byte* data);

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial nint gdImageCreateFromAvifPtr(int size, byte* data);

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial void gdImageDestroy(nint image);

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial void gdImageGetClip(nint image, out int left, out int top, out int right, out int bottom);

    [LibraryImport(NativeImageLibrary.Gd), SuppressGCTransition]
    private static partial int gdImageGetTrueColorPixel(nint image, int x, int y);

    [LibraryImport(NativeImageLibrary.Gd)]
    private static partial void gdSetErrorMethod(delegate* unmanaged[Cdecl]<int, byte*, nint, void> method);

    [LibraryImport("libc")]
    private static partial int vsnprintf(byte* text, nint length, byte* format, nint arguments);
}
