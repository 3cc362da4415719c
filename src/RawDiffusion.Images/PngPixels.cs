using System.Buffers.Binary;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>Turns the unfiltered rows of a PNG file into the pixels of an <see cref="Images.Image"/>.</summary>
internal sealed class PngPixels
{
    private readonly PngHeader _header;
    private readonly byte[] _palette = [];
    private readonly int[]? _transparent;

    /// <summary>The picture so far.</summary>
    public Image Image { get; }

    /// <param name="header">The file's header.</param>
    /// <param name="palette">The PLTE chunk, RGB triples.</param>
    /// <param name="transparency">The tRNS chunk: alpha per palette entry, or the one transparent colour.</param>
    public PngPixels(PngHeader header, ReadOnlySpan<byte> palette, ReadOnlySpan<byte> transparency)
    {
        _header = header;
        Image = new Image(header.Height, header.Width, header.Colour is PngColour.Grey or PngColour.GreyAlpha ? 1 : 3);
        if (header.Colour == PngColour.Palette)
        {
            _palette = palette.ToArray();
            for (int i = 0; i < Math.Min(_palette.Length, transparency.Length * 3); i++)
            {
                _palette[i] = Compose(_palette[i], transparency[i / 3], 255);
            }
        }
        else if (header.Colour is PngColour.Grey or PngColour.Rgb && !transparency.IsEmpty)
        {
            if (transparency.Length != 2 * header.Samples)
            {
                throw new DataException($"the PNG file's tRNS chunk has {transparency.Length} bytes instead of {2 * header.Samples}");
            }
            _transparent = new int[header.Samples];
            for (int i = 0; i < _transparent.Length; i++)
            {
                _transparent[i] = BinaryPrimitives.ReadUInt16BigEndian(transparency[(2 * i)..]);
            }
        }
    }

    /// <summary>Takes row <paramref name="y"/> of a pass.</summary>
    public void SetRow(ReadOnlySpan<byte> row, PngPass pass, int y)
    {
        int channels = Image.Channels, width = Image.Width;
        var line = Image.Pixels.AsSpan((pass.Y + y * pass.StepY) * width * channels, width * channels);
        if (_header is { BitDepth: 8, Interlaced: false, Colour: PngColour.Grey or PngColour.Rgb } && _transparent is null)
        {
            row.CopyTo(line);
            return;
        }
        for (int i = 0, x = pass.X; x < width; i++, x += pass.StepX)
        {
            SetPixel(line.Slice(x * channels, channels), row, i * _header.Samples);
        }
    }

    private void SetPixel(Span<byte> pixel, ReadOnlySpan<byte> row, int sample)
    {
        if (_header.Colour == PngColour.Palette)
        {
            int entry = Sample(row, sample);
            if (3 * entry >= _palette.Length)
            {
                throw new DataException($"the PNG file is damaged: a pixel has palette entry {entry} of {_palette.Length / 3}");
            }
            _palette.AsSpan(3 * entry, 3).CopyTo(pixel);
            return;
        }
        int max = (1 << _header.BitDepth) - 1;
        int alpha = _header.Samples is 2 or 4 ? Sample(row, sample + pixel.Length) : IsTransparent(row, sample) ? 0 : max;
        for (int c = 0; c < pixel.Length; c++)
        {
            pixel[c] = Compose(Sample(row, sample + c), alpha, max);
        }
    }

    private bool IsTransparent(ReadOnlySpan<byte> row, int sample)
    {
        for (int c = 0; c < _transparent?.Length; c++)
        {
            if (Sample(row, sample + c) != _transparent[c])
            {
                return false;
            }
        }
        return _transparent is not null;
    }

    private int Sample(ReadOnlySpan<byte> row, int index)
    {
        int depth = _header.BitDepth;
        return depth switch
        {
            16 => BinaryPrimitives.ReadUInt16BigEndian(row[(2 * index)..]),
            8 => row[index],
            _ => (row[index * depth / 8] >> (8 - depth - index * depth % 8)) & ((1 << depth) - 1),
        };
    }

    // value/max · alpha/max over black, in 0..255, rounded to the nearest.
    private static byte Compose(long value, long alpha, long max) => (byte)((2 * 255 * value * alpha + max * max) / (2 * max * max));
}
