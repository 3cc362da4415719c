using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.Training;

/// <summary>Gives training steps their images, in the run's <see cref="SampleOrder"/>; where they come from does not change what is learned.</summary>
internal abstract class BatchFeed : IDisposable
{
    /// <summary>Where the next batch begins: what a checkpoint stores.</summary>
    public abstract long Cursor { get; }

    /// <summary>A feed from the device's own copy of the data set where the device wants one, else from batches that are made ahead and uploaded.</summary>
    public static BatchFeed Open(IDataset data, Device device, BatchLoaderOptions options)
    {
        int height = Math.Max(options.PaddedHeight, data.Height), width = Math.Max(options.PaddedWidth, data.Width);
        return (long)data.Count * height * width * data.Channels <= device.DataSetBytes
            ? new Resident(data, new DeviceImages(data, device, height, width, options.PaddingValue), options)
            : new Streamed(new BatchLoader(data, options));
    }

    /// <summary>Sets the next batch's images, and returns their labels, [N].</summary>
    /// <exception cref="DataException">An image could not be read.</exception>
    public abstract int[] Next(TrainingStep step);

    public abstract void Dispose();

    private sealed class Streamed(BatchLoader loader) : BatchFeed
    {
        public override long Cursor => loader.Cursor;

        public override int[] Next(TrainingStep step)
        {
            var batch = loader.Next();
            step.SetPixels(batch.Pixels);
            return [.. batch.Labels];
        }

        public override void Dispose() => loader.Dispose();
    }

    private sealed class Resident(IDataset data, DeviceImages images, BatchLoaderOptions options) : BatchFeed
    {
        private readonly SampleOrder _order = new(data.Count, options.Seed);
        private long _cursor = options.Cursor;

        public override long Cursor => _cursor;

        public override int[] Next(TrainingStep step)
        {
            var labels = new int[options.BatchSize];
            var picks = new int[2 * labels.Length];
            for (int n = 0; n < labels.Length; n++, _cursor++)
            {
                (picks[2 * n], picks[2 * n + 1]) = (_order.Index(_cursor), options.Flip && _order.Flip(_cursor) ? 1 : 0);
                labels[n] = data.Label(picks[2 * n]);
            }
            step.SetImages(images, picks);
            return labels;
        }

        public override void Dispose() => images.Dispose();
    }
}
