using RawDiffusion.Core;
using RawDiffusion.Pipelines;

namespace RawDiffusion;

/// <summary>Images that a model drew.</summary>
/// <param name="Images">Their pixels, [Count, Height, Width, Channels], about −1 to 1.</param>
public sealed record Samples(SampledImages Images)
{
    /// <summary>Writes all of them as one picture.</summary>
    /// <param name="path">A PNG file; one that is there is replaced.</param>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public void SaveGrid(string path) => SampleFiles.WriteGrid(Images, path);

    /// <summary>Writes each of them as <c>image-00000.png</c> and so on.</summary>
    /// <param name="folder">Made where it is missing.</param>
    /// <exception cref="StorageException">One cannot be written.</exception>
    public void Save(string folder)
    {
        SampleFiles.Prepare(folder);
        SampleFiles.WriteEach(Images, folder);
    }
}
