using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>A picture of bytes, grey or RGB, rows from top to bottom, channels innermost (HWC).</summary>
public sealed class Image
{
    /// <summary>The longest side that is read or written, JPEG's own.</summary>
    public const int MaxSide = 65535;

    /// <summary>The most pixels that are read or written: more than cameras take, and 384 MiB as RGB (Pillow's bound is 179 million).</summary>
    public const int MaxPixels = 1 << 27;

    /// <summary>The bytes [Height, Width, Channels].</summary>
    public byte[] Pixels { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>1 (grey) or 3 (RGB).</summary>
    public int Channels { get; }

    /// <summary>A black picture.</summary>
    /// <exception cref="DataException">A side is not in 1..<see cref="MaxSide"/>, or there are more than <see cref="MaxPixels"/> pixels.</exception>
    public Image(int height, int width, int channels) : this(height, width, channels, new byte[ByteCount(height, width, channels)])
    {
    }

    /// <summary>A picture over given bytes [height, width, channels], which it keeps.</summary>
    /// <exception cref="DataException">A side is not in 1..<see cref="MaxSide"/>, or there are more than <see cref="MaxPixels"/> pixels.</exception>
    /// <exception cref="ArgumentException">The bytes are not height × width × channels many.</exception>
    public Image(int height, int width, int channels, byte[] pixels)
    {
        int count = ByteCount(height, width, channels);
        if (pixels.Length != count)
        {
            throw new ArgumentException($"A picture of {height}×{width}×{channels} has {count} bytes, but {pixels.Length} were "
                + "given.", nameof(pixels));
        }
        (Height, Width, Channels, Pixels) = (height, width, channels, pixels);
    }

    /// <summary>True if red, green and blue are equal in every pixel (always true with one channel).</summary>
    public bool IsGrey
    {
        get
        {
            for (int i = 0; Channels == 3 && i < Pixels.Length; i += 3)
            {
                if (Pixels[i] != Pixels[i + 1] || Pixels[i] != Pixels[i + 2])
                {
                    return false;
                }
            }
            return true;
        }
    }

    /// <summary>This picture with 1 or 3 channels: grey is replicated, RGB becomes the luma of Rec. 601 (exact where R = G = B).</summary>
    public Image WithChannels(int channels)
    {
        if (channels == Channels)
        {
            return this;
        }
        var result = new Image(Height, Width, channels);
        for (int i = 0; i < Height * Width; i++)
        {
            if (channels == 3)
            {
                result.Pixels.AsSpan(3 * i, 3).Fill(Pixels[i]);
            }
            else
            {
                result.Pixels[i] = (byte)((299 * Pixels[3 * i] + 587 * Pixels[3 * i + 1] + 114 * Pixels[3 * i + 2] + 500) / 1000);
            }
        }
        return result;
    }

    /// <summary>The middle [height, width] of this picture; an odd remainder goes to the bottom and the right.</summary>
    /// <exception cref="ArgumentException">The part is larger than the picture.</exception>
    public Image CropCentre(int height, int width)
    {
        if (height > Height || width > Width)
        {
            throw new ArgumentException($"A part of {height}×{width} does not fit into a picture of {Height}×{Width}.");
        }
        var result = new Image(height, width, Channels);
        int top = Centre.Begin(Height, height), left = Centre.Begin(Width, width), rowBytes = width * Channels;
        for (int y = 0; y < height; y++)
        {
            Pixels.AsSpan(((top + y) * Width + left) * Channels, rowBytes).CopyTo(result.Pixels.AsSpan(y * rowBytes));
        }
        return result;
    }

    /// <summary>Copies all of <paramref name="source"/> to the given place of this picture.</summary>
    /// <exception cref="ArgumentException">The channels differ, or the source does not fit there.</exception>
    public void Paste(Image source, int top, int left)
    {
        if (source.Channels != Channels || top < 0 || left < 0 || top + source.Height > Height || left + source.Width > Width)
        {
            throw new ArgumentException($"A picture of {source.Height}×{source.Width}×{source.Channels} at ({top}, {left}) does "
                + $"not fit into one of {Height}×{Width}×{Channels}.");
        }
        int rowBytes = source.Width * Channels;
        for (int y = 0; y < source.Height; y++)
        {
            source.Pixels.AsSpan(y * rowBytes, rowBytes).CopyTo(Pixels.AsSpan(((top + y) * Width + left) * Channels));
        }
    }

    /// <summary>A byte from a value in [−1, 1], rounded and clamped; what is not a number becomes 0.</summary>
    public static byte ToByte(float value) => (byte)Math.Clamp(float.IsNaN(value) ? 0f : MathF.Floor((value + 1f) * 127.5f + 0.5f), 0f, 255f);

    /// <summary>A picture from values [height, width, channels] in [−1, 1].</summary>
    public static Image FromUnit(ReadOnlySpan<float> hwc, int height, int width, int channels)
    {
        var result = new Image(height, width, channels);
        for (int i = 0; i < result.Pixels.Length; i++)
        {
            result.Pixels[i] = ToByte(hwc[i]);
        }
        return result;
    }

    private static int ByteCount(int height, int width, int channels)
    {
        CheckSize(height, width);
        return channels is 1 or 3
            ? height * width * channels
            : throw new ArgumentOutOfRangeException(nameof(channels), channels, "A picture has 1 or 3 channels.");
    }

    /// <summary>Refuses sides outside 1..<see cref="MaxSide"/>, and more than <see cref="MaxPixels"/> pixels.</summary>
    /// <exception cref="DataException">The size is out of these bounds.</exception>
    public static void CheckSize(long height, long width)
    {
        if (height is < 1 or > MaxSide || width is < 1 or > MaxSide)
        {
            throw new DataException($"the picture is said to be {height}×{width}; each side must be in 1..{MaxSide}");
        }
        if (height * width > MaxPixels)
        {
            throw new DataException($"the picture is said to be {height}×{width}; at most {MaxPixels:N0} pixels are read or written");
        }
    }
}
