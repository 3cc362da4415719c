using System.Globalization;
using RawDiffusion.Core;
using RawDiffusion.Images;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>Writes drawn images to files; each file is there whole or not at all.</summary>
public static class SampleFiles
{
    private const string ImageName = "image-";

    /// <summary>The longest side of a picture that is written: longer ones are opened by few programs.</summary>
    public const int LongestSide = 16384;

    /// <summary>Makes a folder and tries that it can be written to.</summary>
    /// <exception cref="StorageException">It cannot be.</exception>
    public static void Prepare(string folder) => StorageFailure.Guard($"write into {folder}", () =>
    {
        Directory.CreateDirectory(folder);
        string probe = Path.Combine(folder, $".rawdiffusion-{Environment.ProcessId}.tmp");
        File.WriteAllBytes(probe, []);
        File.Delete(probe);
    });

    /// <summary>Whether one picture holds a grid of so many images.</summary>
    public static bool FitOneGrid(int count, int height, int width) => GridFit.Of(count, height, width, LongestSide).Shown == count;

    /// <summary>Writes the images as one grid, or the first ones, as many as fit.</summary>
    /// <param name="images">What was drawn.</param>
    /// <param name="path">The PNG file.</param>
    /// <param name="side">The longest side of the picture.</param>
    /// <returns>How many images the grid shows.</returns>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public static int WriteGrid(SampledImages images, string path, int side = LongestSide)
    {
        var fit = GridFit.Of(images.Count, images.Height, images.Width, side);
        int size = images.Height * images.Width * images.Channels;
        WritePng(ImageGrid.Tile(ImageGrid.Split(images.Pixels.AsSpan(0, fit.Shown * size), fit.Shown, images.Height, images.Width, images.Channels), fit.Style), path);
        return fit.Shown;
    }

    /// <summary>Writes each image as <c>image-00000.png</c> and so on.</summary>
    /// <exception cref="StorageException">One cannot be written.</exception>
    public static void WriteEach(SampledImages images, string folder)
    {
        var pictures = Split(images, images.Pixels);
        for (int i = 0; i < pictures.Length; i++)
        {
            WritePng(pictures[i], Path.Combine(folder, $"{ImageName}{i.ToString("D5", CultureInfo.InvariantCulture)}.png"));
        }
    }

    /// <summary>The images in a folder that an earlier sample left there and that so many new ones do not replace.</summary>
    /// <param name="folder">The folder; it need not exist.</param>
    /// <param name="count">How many images are to be written.</param>
    public static IReadOnlyList<string> Leftovers(string folder, int count) => !Directory.Exists(folder) ? [] :
        [.. Directory.EnumerateFiles(folder, ImageName + "*.png").Where(path =>
            int.TryParse(Path.GetFileNameWithoutExtension(path)[ImageName.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= count)
            .Order(StringComparer.Ordinal)];

    /// <summary>Writes the way from noise to image: a row for each image, a column for each kept moment, the finished image last.</summary>
    /// <param name="images">What was drawn, with its trajectory.</param>
    /// <param name="count">Show the first so many images.</param>
    /// <param name="path">The PNG file.</param>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public static void WriteFilmStrip(SampledImages images, int count, string path)
    {
        var moments = images.Trajectory.Append(images.Pixels).Select(pixels => (IReadOnlyList<Image>)Split(images, pixels)[..count]);
        WritePng(FilmStrip.Tile([.. moments], style: GridFit.Of(1, images.Height, images.Width, LongestSide).Style), path);
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

    private static Image[] Split(SampledImages images, float[] pixels) => ImageGrid.Split(pixels, images.Count, images.Height, images.Width, images.Channels);

    private static void WritePng(Image image, string path) => AtomicFile.Write(DiskFileSystem.Instance, path, stream => stream.Write(PngWriter.Encode(image)));
}
