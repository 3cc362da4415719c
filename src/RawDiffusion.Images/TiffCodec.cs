using System.Buffers.Binary;
using BitMiracle.LibTiff.Classic;
using RawDiffusion.Core;
using Corner = BitMiracle.LibTiff.Classic.Orientation;

namespace RawDiffusion.Images;

/// <summary>TIFF by LibTiff.NET: strips or tiles, of any of its colours and compressions; the first page alone.</summary>
internal static class TiffCodec
{
    // One that says nothing is there before any file is opened: the library's own writes to stderr.
    static TiffCodec() => Tiff.SetErrorHandler(new TiffErrors());

    /// <summary>The picture of three channels, and its orientation as EXIF counts them.</summary>
    /// <exception cref="DataException">The file is truncated or damaged, of a kind that is not read, or its size is out of bounds.</exception>
    public static (Image Image, int Orientation) Decode(ReadOnlySpan<byte> file)
    {
        RequireWholeDirectory(file);
        var stream = new TiffBytes(file.ToArray());
        using var tiff = Tiff.ClientOpen("", "r", stream, stream) ?? throw Failure(stream);
        int height = Number(tiff, TiffTag.IMAGELENGTH), width = Number(tiff, TiffTag.IMAGEWIDTH), orientation = Number(tiff, TiffTag.ORIENTATION);
        CheckSize(tiff, file.Length, height, width);
        if ((Photometric)Number(tiff, TiffTag.PHOTOMETRIC) is Photometric.CIELAB or Photometric.ICCLAB or Photometric.ITULAB)
        {
            throw new DataException("the Tiff file has the colours of CIE L*a*b*, which are not read here; convert it to PNG");
        }
        // Taken as it is stored, and turned like any other format: the library mirrors, but never turns.
        tiff.SetField(TiffTag.ORIENTATION, Corner.TOPLEFT);
        int[] pixels = new int[height * width];
        bool isWhole = tiff.ReadRGBAImageOriented(width, height, pixels, Corner.TOPLEFT, stopOnError: true);
        if (!isWhole || stream.IsShort || stream.Error is not null)
        {
            throw Failure(stream);
        }
        var image = new Image(height, width, 3);
        for (int i = 0; i < pixels.Length; i++)
        {
            // Multiplied by alpha already, which is over black.
            var pixel = image.Pixels.AsSpan(3 * i, 3);
            (pixel[0], pixel[1], pixel[2]) = ((byte)pixels[i], (byte)(pixels[i] >> 8), (byte)(pixels[i] >> 16));
        }
        return (image, orientation);
    }

    // The library passes over entries that it cannot read, such as a palette behind the end, and takes memory for as many values as an entry claims.
    private static void RequireWholeDirectory(ReadOnlySpan<byte> file)
    {
        bool little = file[0] == 'I';
        ReadOnlySpan<byte> sizes = [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];
        uint directory = file.Length >= 8 ? U32(file[4..]) : uint.MaxValue;
        bool whole = directory + 2L <= file.Length;
        int count = whole ? U16(file[(int)directory..]) : 0;
        whole &= directory + 2 + 12L * count <= file.Length;
        for (int i = 0; whole && i < count; i++)
        {
            var entry = file.Slice((int)directory + 2 + 12 * i, 12);
            int type = U16(entry[2..]);
            long bytes = (type < sizes.Length ? sizes[type] : 1) * (long)U32(entry[4..]);
            whole = bytes <= 4 || U32(entry[8..]) + bytes <= file.Length;
        }
        if (!whole)
        {
            throw new DataException("the Tiff file is truncated or damaged: its directory does not lie inside the file");
        }

        uint U32(ReadOnlySpan<byte> at) => little ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at);

        int U16(ReadOnlySpan<byte> at) => little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);
    }

    private static void CheckSize(Tiff tiff, int fileBytes, int height, int width)
    {
        // LZW's longest code is of 12 bits and stands for up to 4096 bytes; one row of fax may be a bit, and is as long as it likes.
        const int LzwLimit = 4096 * 8 / 12, PixelsPerByte = 8;
        bool isFax = (Compression)Number(tiff, TiffTag.COMPRESSION) is Compression.CCITTRLE or Compression.CCITTRLEW or Compression.CCITTFAX3 or Compression.CCITTFAX4;
        int bound = isFax ? 0 : LzwLimit * PixelsPerByte;
        ImageHeader.CheckSize(height, width, fileBytes, bound);
        if (tiff.IsTiled())
        {
            ImageHeader.CheckSize(Number(tiff, TiffTag.TILELENGTH), Number(tiff, TiffTag.TILEWIDTH), fileBytes, bound);
        }
        int parts = tiff.IsTiled() ? tiff.NumberOfTiles() : tiff.NumberOfStrips();
        for (int i = 0; i < parts; i++)
        {
            if (tiff.RawStripSize(i) > fileBytes)
            {
                throw new DataException("the Tiff file is truncated or damaged: not all of its data lies inside the file");
            }
        }
    }

    private static int Number(Tiff tiff, TiffTag tag) => tiff.GetFieldDefaulted(tag) is { Length: > 0 } field ? field[0].ToInt() : 0;

    private static DataException Failure(TiffBytes stream) => new($"the Tiff file is {(stream.IsShort ? "truncated" : "damaged, or of a kind that is not read; convert it to PNG")}"
        + (stream.Error is { } error ? $" ({error})" : ""));

    /// <summary>The file as the library reads it; remembers whether it asked for what is not there, and the first fault that it told.</summary>
    private sealed class TiffBytes(byte[] file) : TiffStream
    {
        private long _at;

        public bool IsShort { get; private set; }

        public string? Error { get; set; }

        public override int Read(object clientData, byte[] buffer, int offset, int count)
        {
            int got = (int)Math.Clamp(file.Length - _at, 0, count);
            file.AsSpan((int)Math.Min(_at, file.Length), got).CopyTo(buffer.AsSpan(offset));
            IsShort |= got < count;
            _at += got;
            return got;
        }

        public override void Write(object clientData, byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(object clientData, long offset, SeekOrigin origin) =>
            _at = Math.Max(0, offset + origin switch { SeekOrigin.Begin => 0, SeekOrigin.Current => _at, _ => file.Length });

        public override void Close(object clientData)
        {
        }

        public override long Size(object clientData) => file.Length;
    }

    private sealed class TiffErrors : TiffErrorHandler
    {
        public override void ErrorHandler(Tiff tif, string method, string format, params object[] args)
        {
        }

        public override void WarningHandler(Tiff tif, string method, string format, params object[] args)
        {
        }

        public override void ErrorHandlerExt(Tiff tif, object clientData, string method, string format, params object[] args)
        {
            if (clientData is TiffBytes { Error: null } stream)
            {
                stream.Error = string.Format(System.Globalization.CultureInfo.InvariantCulture, format, args);
            }
        }

        public override void WarningHandlerExt(Tiff tif, object clientData, string method, string format, params object[] args)
        {
        }
    }
}
