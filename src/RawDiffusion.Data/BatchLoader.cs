using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>Prepares batches on threads of its own, ahead of training. For one consumer.</summary>
/// <remarks>
/// A ring of batches: workers take batch numbers in turn and fill the slot number mod ring length, as soon as the consumer has given back
/// what was there. So batches come in order whatever the number of workers, and no more than the ring is ever in memory.
/// </remarks>
public sealed class BatchLoader : IDisposable
{
    private readonly IDataset _data;
    private readonly BatchLoaderOptions _options;
    private readonly SampleOrder _order;
    private readonly Batch[] _ring;
    private readonly long[] _filled;
    private readonly Thread[] _workers;
    private readonly object _gate = new();

    // Batches that were handed out, that were given back, and that workers have taken on.
    private long _taken, _released, _claimed;
    private (long Number, Exception Error)? _failure;
    private volatile bool _stopping;

    /// <summary>Starts preparing the batches of <paramref name="data"/> that follow the options' cursor.</summary>
    /// <exception cref="ConfigurationException">A number in the options is out of its range.</exception>
    public BatchLoader(IDataset data, BatchLoaderOptions options)
    {
        int height = options.PaddedHeight == 0 ? data.Height : options.PaddedHeight;
        int width = options.PaddedWidth == 0 ? data.Width : options.PaddedWidth;
        if (height < data.Height || width < data.Width)
        {
            throw new ConfigurationException($"Images of {data.Height}×{data.Width} cannot be padded to {height}×{width}, which is smaller.");
        }
        if (options.BatchSize < 1 || options.Workers < 1 || options.QueueLength < 1 || options.Cursor < 0)
        {
            throw new ConfigurationException($"A loader needs a batch size, a number of workers and a queue length of at least 1 "
                + $"and a cursor of at least 0; got {options.BatchSize}, {options.Workers}, {options.QueueLength} and {options.Cursor}.");
        }
        (_data, _options, _order) = (data, options, new SampleOrder(data.Count, options.Seed));

        // One more than the queue, because the consumer holds one.
        _ring = new Batch[options.QueueLength + 1];
        _filled = new long[_ring.Length];
        for (int i = 0; i < _ring.Length; i++)
        {
            _ring[i] = new Batch(options.BatchSize, height, width, data.Channels);
            _ring[i].Pixels.AsSpan().Fill(options.PaddingValue);
            _filled[i] = -1;
        }
        _workers = new Thread[options.Workers];
        for (int i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"batch loader {i}" };
            _workers[i].Start();
        }
    }

    /// <summary>Where the batch after the one that <see cref="Next"/> gave last begins: what a checkpoint stores.</summary>
    public long Cursor => _options.Cursor + Interlocked.Read(ref _taken) * _options.BatchSize;

    /// <summary>The next batch, once it is ready. The batch before may be filled anew from now on.</summary>
    /// <exception cref="DataException">An image of this batch could not be read.</exception>
    /// <exception cref="ObjectDisposedException">The loader was disposed.</exception>
    public Batch Next()
    {
        lock (_gate)
        {
            long number = _taken;
            int slot = (int)(number % _ring.Length);
            _released = number;
            Monitor.PulseAll(_gate);
            while (true)
            {
                ObjectDisposedException.ThrowIf(_stopping, this);
                if (_filled[slot] == number)
                {
                    _taken++;
                    return _ring[slot];
                }
                if (_failure is { } failure && failure.Number == number)
                {
                    throw new DataException($"Batch {number} could not be prepared: {failure.Error.Message}", failure.Error);
                }
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Stops the workers; each finishes the image that it is at.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        foreach (var worker in _workers)
        {
            worker.Join();
        }
    }

    private void Work()
    {
        byte[] image = new byte[_data.Height * _data.Width * _data.Channels];
        while (Claim() is { } number)
        {
            try
            {
                Fill(_ring[number % _ring.Length], number, image);
            }
            catch (Exception e)
            {
                // Whatever it is, it must reach the consumer instead of ending the process from a background thread.
                Finish(number, e);
                return;
            }
            Finish(number, null);
        }
    }

    private long? Claim()
    {
        lock (_gate)
        {
            while (!_stopping && _claimed >= _released + _ring.Length)
            {
                Monitor.Wait(_gate);
            }
            return _stopping ? null : _claimed++;
        }
    }

    private void Finish(long number, Exception? error)
    {
        lock (_gate)
        {
            if (error is null)
            {
                _filled[number % _ring.Length] = number;
            }
            else if (_failure is null || number < _failure.Value.Number)
            {
                _failure = (number, error);
            }
            Monitor.PulseAll(_gate);
        }
    }

    private void Fill(Batch batch, long number, byte[] image)
    {
        batch.Cursor = _options.Cursor + number * _options.BatchSize;
        var border = new ImageBorder(_data, batch.Height, batch.Width);
        int imageBytes = batch.Height * batch.Width * batch.Channels;
        for (int n = 0; n < batch.Count && !_stopping; n++)
        {
            long position = batch.Cursor + n;
            int index = _order.Index(position);
            (batch.Indices[n], batch.Labels[n]) = (index, _data.Label(index));
            _data.Read(index, image);
            border.Put(image, _options.Flip && _order.Flip(position), batch.Pixels.AsSpan(n * imageBytes, imageBytes));
        }
    }
}
