using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.Training;

/// <summary>Gives training steps their batches, in the run's <see cref="SampleOrder"/>; where they come from does not change what is learned.</summary>
public abstract class BatchFeed : IDisposable
{
    /// <summary>Where the next batch begins: what a checkpoint stores.</summary>
    public abstract long Cursor { get; }

    /// <summary>A feed from the device's own copy of the data set where the device wants one, else from batches that are made ahead and uploaded.</summary>
    /// <param name="data">The images.</param>
    /// <param name="device">Where the training steps run.</param>
    /// <param name="options">Batch, seed, border, and where to begin.</param>
    /// <exception cref="DeviceException">The device has no memory for its copy.</exception>
    public static BatchFeed Open(IDataset data, Device device, BatchLoaderOptions options)
    {
        int height = Math.Max(options.PaddedHeight, data.Height), width = Math.Max(options.PaddedWidth, data.Width);
        var order = new SampleOrder(data.Count, options.Seed);
        return IsResident(data.Count, new Shape(options.BatchSize, height, width, data.Channels), device)
            ? new Resident(data, order, new DeviceImages(data, device, height, width, options.PaddingValue), options)
            : new Streamed(data, new BatchLoader(data, options));
    }

    /// <summary>Whether the device would have its own copy of a data set.</summary>
    /// <param name="count">Images of the data set.</param>
    /// <param name="images">A batch of them with their border, [N, H, W, C].</param>
    /// <param name="device">The device.</param>
    internal static bool IsResident(int count, Shape images, Device device) => count * (images.Count / images.N) <= device.DataSetBytes;

    /// <summary>The next batch. What it holds may be overwritten by the next call.</summary>
    /// <exception cref="DataException">An image could not be read.</exception>
    public abstract FeedBatch Next();

    /// <summary>Ends the feed, and frees what it has on the device. To be called after the step that it fed is disposed.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    private sealed class Streamed(IDataset data, BatchLoader loader) : BatchFeed
    {
        public override long Cursor => loader.Cursor;

        public override FeedBatch Next()
        {
            var batch = loader.Next();
            return new FeedBatch { Count = batch.Count, Pixels = batch.Pixels, Labels = data.ClassNames.Count > 0 ? batch.Labels : default };
        }

        public override void Dispose()
        {
            loader.Dispose();
            base.Dispose();
        }
    }

    private sealed class Resident(IDataset data, SampleOrder order, DeviceImages images, BatchLoaderOptions options) : BatchFeed
    {
        private long _cursor = options.Cursor;

        public override long Cursor => _cursor;

        public override FeedBatch Next()
        {
            int[] labels = new int[options.BatchSize];
            int[] picks = new int[2 * labels.Length];
            for (int n = 0; n < labels.Length; n++, _cursor++)
            {
                (picks[2 * n], picks[2 * n + 1]) = (order.Index(_cursor), options.Flip && order.Flip(_cursor) ? 1 : 0);
                labels[n] = data.Label(picks[2 * n]);
            }
            return new FeedBatch { Count = labels.Length, DataSet = images, Picks = picks, Labels = data.ClassNames.Count > 0 ? labels : default };
        }

        public override void Dispose()
        {
            images.Dispose();
            base.Dispose();
        }
    }
}
