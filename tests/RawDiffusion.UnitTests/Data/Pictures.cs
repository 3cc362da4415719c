using System.Formats.Tar;
using System.IO.Compression;
using RawDiffusion.Data;
using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Data;

/// <summary>Small image files, and archives of them.</summary>
internal static class Pictures
{
    /// <summary>A PNG file of one colour.</summary>
    public static byte[] Png(byte red, byte green, byte blue, int height = 4, int width = 4)
    {
        var image = new Image(height, width, 3);
        for (int i = 0; i < image.Pixels.Length; i++)
        {
            image.Pixels[i] = (i % 3) switch { 0 => red, 1 => green, _ => blue };
        }
        return PngWriter.Encode(image);
    }

    public static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create))
        {
            foreach (var (name, content) in files)
            {
                using var entry = zip.CreateEntry(name).Open();
                entry.Write(content);
            }
        }
        return stream.ToArray();
    }

    public static byte[] Tar(params (string Name, byte[] Content)[] files)
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream))
        {
            foreach (var (name, content) in files)
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            }
        }
        return stream.ToArray();
    }

    /// <summary>A tar of what is no regular file, after files.</summary>
    public static byte[] Tar(TarEntryType type, string name, string? link = null, params (string Name, byte[] Content)[] files)
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream))
        {
            foreach (var (file, content) in files)
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, file) { DataStream = new MemoryStream(content) });
            }
            var entry = new PaxTarEntry(type, name);
            if (link is not null)
            {
                entry.LinkName = link;
            }
            tar.WriteEntry(entry);
        }
        return stream.ToArray();
    }

    public static byte[] Gzip(byte[] content)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Optimal))
        {
            gzip.Write(content);
        }
        return stream.ToArray();
    }

    public static byte[] Read(IDataset data, int index)
    {
        byte[] hwc = new byte[data.Height * data.Width * data.Channels];
        data.Read(index, hwc);
        return hwc;
    }
}
