using System.Globalization;
using RawDiffusion.Core;
using RawDiffusion.Images;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>Writes drawn images to files; each file is there whole or not at all.</summary>
public static class SampleFiles
{
    /// <summary>Makes a folder and tries that it can be written to.</summary>
    /// <exception cref="StorageException">It cannot be.</exception>
    public static void Prepare(string folder) => StorageFailure.Guard($"write into {folder}", () =>
    {
        Directory.CreateDirectory(folder);
        string probe = Path.Combine(folder, $".rawdiffusion-{Environment.ProcessId}.tmp");
        File.WriteAllBytes(probe, []);
        File.Delete(probe);
    });

    /// <summary>Writes all images as one grid.</summary>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public static void WriteGrid(SampledImages images, string path) => WritePng(ImageGrid.Tile(Split(images, images.Pixels), Style(images)), path);

    /// <summary>Writes each image as <c>image-00000.png</c> and so on.</summary>
    /// <exception cref="StorageException">One cannot be written.</exception>
    public static void WriteEach(SampledImages images, string folder)
    {
        var pictures = Split(images, images.Pixels);
        for (int i = 0; i < pictures.Length; i++)
        {
            WritePng(pictures[i], Path.Combine(folder, $"image-{i.ToString("D5", CultureInfo.InvariantCulture)}.png"));
        }
    }

    /// <summary>Writes the way from noise to image: a row for each image, a column for each kept moment, the finished image last.</summary>
    /// <param name="images">What was drawn, with its trajectory.</param>
    /// <param name="count">Show the first so many images.</param>
    /// <param name="path">The PNG file.</param>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public static void WriteFilmStrip(SampledImages images, int count, string path)
    {
        var moments = images.Trajectory.Append(images.Pixels).Select(pixels => (IReadOnlyList<Image>)Split(images, pixels)[..count]);
        WritePng(FilmStrip.Tile([.. moments], style: Style(images)), path);
    }

    /// <summary>Writes the images as NumPy's archive: <c>arr_0</c> of bytes [N, H, W, C], and <c>arr_1</c> of int64 [N] if there are labels.</summary>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public static void WriteNpz(SampledImages images, string path)
    {
        byte[] pixels = Array.ConvertAll(images.Pixels, Image.ToByte);
        var arrays = new List<NpyArray> { NpyArray.Of("arr_0", pixels, images.Count, images.Height, images.Width, images.Channels) };
        if (images.Labels is { } labels)
        {
            arrays.Add(NpyArray.Of("arr_1", labels.Select(label => (long)label).ToArray(), labels.Count));
        }
        AtomicFile.Write(DiskFileSystem.Instance, path, stream => NpzWriter.Write(stream, arrays));
    }

    /// <summary>Small images are enlarged, to be seen.</summary>
    private static GridStyle Style(SampledImages images) => new(Scale: Math.Max(1, 64 / images.Width));

    private static Image[] Split(SampledImages images, float[] pixels) => ImageGrid.Split(pixels, images.Count, images.Height, images.Width, images.Channels);

    private static void WritePng(Image image, string path) => AtomicFile.Write(DiskFileSystem.Instance, path, stream => stream.Write(PngWriter.Encode(image)));
}
