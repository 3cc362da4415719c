using RawDiffusion.Core;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Trainer.Terminal;

namespace RawDiffusion.Trainer.Commands;

/// <summary>Where <c>sample</c> puts its images, as <c>--out</c> and <c>--format</c> say.</summary>
/// <param name="Folder">The folder that all of it goes into.</param>
/// <param name="File">The one file's name in it; null for a folder of single images.</param>
/// <param name="Format">png or npz.</param>
internal sealed record SampleTarget(string Folder, string? File, string Format)
{
    // Wide enough for tens of thousands of small images, and small enough to be looked at.
    private const int FolderGridSide = 8192;

    // Nobody means a folder by these.
    private static readonly string[] _otherFiles =
    [
        ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".svg", ".pdf", ".ppm", ".pgm", ".npy", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".mat", ".csv", ".json",
        ".parquet", ".safetensors", ".zip", ".tar", ".gz", ".tgz", ".mp4",
    ];

    /// <summary>Reads the two options.</summary>
    /// <exception cref="ConfigurationException">They contradict each other.</exception>
    public static SampleTarget Of(string path, string? format)
    {
        CheckFormat(format);
        string extension = Path.GetExtension(path).ToLowerInvariant();
        if (path.Length == 0 || (_otherFiles.Contains(extension) && !Directory.Exists(path)))
        {
            throw new ConfigurationException($"--out is '{path}'; it must be a .png file, a .npz file, or a folder.");
        }
        if (extension is ".png" or ".npz" && !Directory.Exists(path))
        {
            string meant = extension[1..];
            return format is null || format == meant
                ? new SampleTarget(Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFileName(path), meant)
                : throw new ConfigurationException($"--out is '{path}', but --format is {format}. Leave --format out, or name a .{format} file.");
        }
        return format == "npz" ? new SampleTarget(path, "samples.npz", "npz") : new SampleTarget(path, null, "png");
    }

    /// <summary>The place of images that no <c>--out</c> was given for: the run's samples/, under a name that nothing has.</summary>
    /// <param name="model">MODEL.</param>
    /// <param name="seed">What the name tells apart.</param>
    /// <param name="format">png, npz, or null for png.</param>
    /// <exception cref="ConfigurationException">The model is no run folder.</exception>
    public static SampleTarget InRun(string model, ulong seed, string? format)
    {
        CheckFormat(format);
        if (!RunFolder.IsRun(model))
        {
            throw new ConfigurationException(Directory.Exists(model)
                ? $"{model} is no run folder, which would have a place for samples. Say where the images should go: --out PATH."
                : $"{model} does not exist. Name a run folder, or another model with --out PATH for its images.");
        }
        string folder = RunFolder.SamplesOf(model), name = $"sample-seed{seed}", ending = format ?? "png";
        for (int k = 2; Path.Exists(Path.Combine(folder, $"{name}.{ending}")) || Path.Exists(StripOf(folder, name)); k++)
        {
            name = $"sample-seed{seed}-{k}";
        }
        return new SampleTarget(folder, $"{name}.{ending}", ending);
    }

    /// <summary>Refuses what could not be written as it was asked for, before anything is drawn.</summary>
    /// <exception cref="ConfigurationException">A single picture cannot hold so many images, or others would stay among them.</exception>
    public void Check(int count, int height, int width)
    {
        if (Format == "png" && File is not null && !SampleFiles.FitOneGrid(count, height, width))
        {
            throw new ConfigurationException($"{count:N0} images of {height}×{width} do not fit into one picture, {File}. Name a folder or a .npz file with --out.");
        }
        if (File is null && SampleFiles.Leftovers(Folder, count) is { Count: > 0 } left)
        {
            throw new ConfigurationException($"{Folder} holds {Talk.Count(left.Count, "image")} of an earlier sample that would stay among the {count:N0} new ones: " +
                $"{Path.GetFileName(left[0])}{(left.Count > 1 ? $" to {Path.GetFileName(left[^1])}" : "")}. Remove what is there, or name another folder.");
        }
    }

    /// <summary>Makes the folder, so that a place that cannot be written to is found before anything is drawn.</summary>
    /// <exception cref="StorageException">It cannot be made or written to.</exception>
    public void Prepare() => SampleFiles.Prepare(Folder);

    /// <summary>Writes the images, and the film strip where there is a trajectory.</summary>
    /// <param name="images">What was drawn.</param>
    /// <param name="stripImages">How many images the film strip shows at most.</param>
    /// <returns>The files to look at.</returns>
    public IReadOnlyList<string> Write(SampledImages images, int stripImages)
    {
        var written = new List<string>();
        string main = Path.Combine(Folder, File ?? "grid.png");
        if (Format == "npz")
        {
            SampleFiles.WriteNpz(images, main);
        }
        else if (SampleFiles.WriteGrid(images, main, File is null ? FolderGridSide : SampleFiles.LongestSide) is var shown && shown < images.Count)
        {
            Talk.Line($"{main} shows the first {shown:N0} of {images.Count:N0} images");
        }
        written.Add(main);
        if (File is null)
        {
            SampleFiles.WriteEach(images, Folder);
        }
        if (images.Trajectory.Count > 0)
        {
            string strip = File is null ? Path.Combine(Folder, "trajectory.png") : StripOf(Folder, Path.GetFileNameWithoutExtension(File));
            SampleFiles.WriteFilmStrip(images, Math.Min(stripImages, images.Count), strip);
            written.Add(strip);
        }
        return written;
    }

    private static string StripOf(string folder, string name) => Path.Combine(folder, name + "-trajectory.png");

    private static void CheckFormat(string? format)
    {
        if (format is not (null or "png" or "npz"))
        {
            throw new ConfigurationException($"--format is '{format}'; it must be png or npz.");
        }
    }
}
