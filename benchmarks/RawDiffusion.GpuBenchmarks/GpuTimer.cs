using RawDiffusion.Core;
using RawDiffusion.Cuda;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>How long something took, in milliseconds.</summary>
/// <param name="Median">The median.</param>
/// <param name="Lower">The lower quartile.</param>
/// <param name="Upper">The upper quartile.</param>
internal readonly record struct Times(double Median, double Lower, double Upper);

/// <summary>
/// Times work between two events in the device's stream. Before each round a fill of twice the level-2 cache puts out what the round before
/// left there, and keeps the GPU busy while the host puts the work in.
/// </summary>
internal sealed class GpuTimer : IDisposable
{
    private readonly CudaDevice _device;
    private readonly Tensor _cache;
    private readonly int _warmUp, _rounds;

    public GpuTimer(CudaDevice device, bool quick)
    {
        _device = device;
        (_warmUp, _rounds) = quick ? (1, 3) : (3, 21);
        _cache = new Tensor(device, new Shape(quick ? 1 << 16 : 2 * Math.Max(1 << 20, device.Properties.L2Bytes)), DType.UInt8, "as much as the cache holds, twice");
    }

    public Times Measure(Action work)
    {
        for (int i = 0; i < _warmUp; i++)
        {
            work();
        }
        var stream = _device.Stream;
        CudaEvent[] starts = Events(), ends = Events();
        try
        {
            for (int i = 0; i < _rounds; i++)
            {
                _device.Fill(_cache.Address, _cache.Bytes, (byte)i);
                starts[i].Record(stream);
                work();
                ends[i].Record(stream);
            }
            stream.Synchronize();
            double[] times = [.. starts.Zip(ends, (start, end) => end.MillisecondsSince(start)).Order()];
            return new Times(times[_rounds / 2], times[_rounds / 4], times[_rounds - 1 - _rounds / 4]);
        }
        finally
        {
            Array.ForEach([.. starts, .. ends], e => e.Dispose());
        }
    }

    public void Dispose() => _cache.Dispose();

    private CudaEvent[] Events() => [.. Enumerable.Range(0, _rounds).Select(_ => new CudaEvent(_device.Stream.Context, timing: true))];
}
