using System.Buffers.Binary;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>The markers of a JPEG file (ITU-T T.81, annex B).</summary>
internal static class JpegMarkers
{
    // The script of 10 scans that libjpeg writes, and the longest that optimizers find, stay far below; each scan costs as much as the whole picture.
    private const int MostScans = 100;

    private const byte StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA;

    /// <summary>Refuses a file without its end mark, and one of so many scans that it was made to take time.</summary>
    /// <exception cref="DataException">It is truncated, damaged, or has too many scans.</exception>
    public static void Check(ReadOnlySpan<byte> file)
    {
        int scans = 0;
        for (int at = NextMarker(file, 0); at >= 0; at = NextMarker(file, at))
        {
            byte marker = file[at + 1];
            at += 2;
            if (marker == EndOfImage)
            {
                return;
            }
            if (marker == StartOfScan && ++scans > MostScans)
            {
                throw new DataException($"the Jpeg file has more than {MostScans} scans; no program writes so many, and each takes the time of a whole picture");
            }
            // Restart marks (D0 to D7), the start mark and TEM have no length behind them, and a length that is cut off ends the search.
            if (marker is not (StartOfImage or 0x01 or (>= 0xD0 and <= 0xD7)))
            {
                at += at + 2 <= file.Length ? BinaryPrimitives.ReadUInt16BigEndian(file[at..]) : 2;
            }
        }
        throw new DataException("the Jpeg file is truncated: its end mark is missing");
    }

    // FF 00 within a scan is the byte FF, and any number of FF may precede a marker; what else is not a marker is passed over, as decoders do.
    private static int NextMarker(ReadOnlySpan<byte> file, int at)
    {
        while (at < file.Length)
        {
            int found = file[at..].IndexOf((byte)0xFF);
            at += found;
            if (found < 0 || at + 1 >= file.Length)
            {
                return -1;
            }
            if (file[at + 1] is not (0x00 or 0xFF))
            {
                return at;
            }
            at++;
        }
        return -1;
    }
}
