using RawDiffusion.Data;
using RawDiffusion.Models;

namespace RawDiffusion;

/// <summary>Opens sets of images.</summary>
public static class Dataset
{
    /// <summary>Reads a whole set into memory: MNIST's IDX files, CIFAR-10's batches, or a folder, zip or tar of images.</summary>
    /// <param name="path">The file or folder; class folders give labels.</param>
    /// <param name="options">How images are read; all as they are if null.</param>
    /// <returns>Images of one size.</returns>
    /// <exception cref="Core.DataException">There is nothing, or something unusable.</exception>
    public static IDataset Open(string path, DatasetOptions? options = null) => DatasetOpener.Open(path, options ?? new DatasetOptions());

    /// <summary>The built-in set of coloured shapes, 32×32, with labels: enough to see a model learn, and no file needed.</summary>
    public static IDataset Shapes() => DatasetOpener.Open(null, new DatasetOptions());

    extension(UNetConfig)
    {
        /// <summary>A U-Net for a set's images and classes: see <see cref="UNetConfig.For(int, int, int, int)"/>.</summary>
        /// <param name="data">The images.</param>
        /// <param name="conditional">Whether the network learns the labels, for sampling by class and guidance.</param>
        public static UNetConfig For(IDataset data, bool conditional = false) =>
            UNetConfig.For(data.Height, data.Width, data.Channels, conditional ? data.ClassNames.Count : 0);
    }
}
