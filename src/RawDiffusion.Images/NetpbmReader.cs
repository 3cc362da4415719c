using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>PBM, PGM and PPM, as text (P1 to P3) or bytes (P4 to P6), of any largest value; values are scaled to 0..255 and rounded.</summary>
internal ref struct NetpbmReader
{
    private const int DeepFrom = 256;

    private readonly ReadOnlySpan<byte> _file;
    private int _at = 2;

    private NetpbmReader(ReadOnlySpan<byte> file) => _file = file;

    /// <summary>The first picture in the file: one channel for PBM and PGM, three for PPM.</summary>
    /// <exception cref="DataException">It is truncated or damaged, or its size is out of bounds.</exception>
    public static Image Read(ReadOnlySpan<byte> file)
    {
        var reader = new NetpbmReader(file);
        int kind = file[1] - '0', channels = kind is 3 or 6 ? 3 : 1;
        bool isBits = kind is 1 or 4, isText = kind < 4;
        int width = reader.Number(), height = reader.Number(), max = isBits ? 1 : reader.Number();
        if (max is < 1 or > ushort.MaxValue)
        {
            throw new DataException($"the Netpbm file is damaged: its largest value is {max}, and should be in 1..{ushort.MaxValue}");
        }
        ImageHeader.CheckSize(height, width, file.Length, isText || !isBits ? 1 : 8);
        var image = new Image(height, width, channels);
        if (!isText)
        {
            reader._at++;
        }
        for (int row = 0, at = 0; row < height; row++)
        {
            for (int i = 0; i < width * channels; i++)
            {
                int value = isText ? reader.TextValue(isBits)
                    : isBits ? reader.Byte(i / 8) >> (7 - i % 8) & 1
                    : max < DeepFrom ? reader.Byte(i) : reader.Byte(2 * i) << 8 | reader.Byte(2 * i + 1);
                // A set bit is black. A value above the largest is taken for it, as other readers do.
                image.Pixels[at++] = isBits ? (byte)(value == 0 ? 255 : 0) : (byte)((2 * 255 * Math.Min(value, max) + max) / (2 * max));
            }
            reader._at += isText ? 0 : isBits ? (width + 7) / 8 : width * channels * (max < DeepFrom ? 1 : 2);
        }
        return image;
    }

    private readonly byte Byte(int offset) => _at + offset < _file.Length ? _file[_at + offset] : throw Truncated();

    // In P1 the digits need nothing between them.
    private int TextValue(bool isBit)
    {
        if (!isBit)
        {
            return Number();
        }
        SkipSpace();
        int value = Byte(0) - '0';
        _at++;
        return value is 0 or 1 ? value : throw new DataException($"the Netpbm file is damaged: byte {_at - 1} should be 0 or 1");
    }

    private int Number()
    {
        const int TooLarge = 100_000_000;
        SkipSpace();
        int start = _at, value = 0;
        while (_at < _file.Length && _file[_at] is >= (byte)'0' and <= (byte)'9' && value < TooLarge)
        {
            value = 10 * value + _file[_at++] - '0';
        }
        return _at >= _file.Length && start == _at ? throw Truncated()
            : start == _at ? throw new DataException($"the Netpbm file is damaged: a number should stand at byte {_at}") : value;
    }

    private void SkipSpace()
    {
        while (_at < _file.Length && _file[_at] is 9 or 10 or 11 or 12 or 13 or 32 or (byte)'#')
        {
            int comment = _file[_at] == '#' ? _file[_at..].IndexOf((byte)'\n') : 0;
            _at = comment < 0 ? _file.Length : _at + comment + 1;
        }
    }

    private static DataException Truncated() => new("the Netpbm file is truncated: its pixels end too early");
}
