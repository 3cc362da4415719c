using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;

namespace RawDiffusion.Benchmarks;

/// <summary>Ops that read and write memory and do little else; Copy is the calibration beside them.</summary>
public class ElementwiseBenchmarks : CpuBenchmark
{
    private Tensor _x = null!, _z = null!, _y = null!, _wide = null!, _large = null!, _sum = null!;

    [ParamsSource(nameof(Activations))]
    public Activation X { get; set; }

    [Benchmark(Baseline = true)]
    public void Copy() => _y.CopyFrom(_x);

    [Benchmark]
    public void Add() => Device.LinearCombination(1, _x, 1, _z, _y);

    [Benchmark]
    public void Silu() => Device.Silu(_x, _y);

    [Benchmark]
    public void SiluBackward() => Device.SiluBackward(_z, _x, Sink.Into(_y));

    [Benchmark]
    public void Dropout() => Device.Dropout(_x, Sink.Into(_y), 0.1, Stream);

    [Benchmark]
    public void ConcatChannels() => Device.ConcatChannels(_x, _z, _wide);

    [Benchmark]
    public void ConcatChannelsBackward() => Device.ConcatChannelsBackward(_wide, Sink.Into(_x), Sink.Into(_z), X.Channels);

    [Benchmark]
    public void UpsampleNearest() => Device.UpsampleNearest(_x, _large);

    [Benchmark]
    public void UpsampleNearestBackward() => Device.UpsampleNearestBackward(_large, Sink.Into(_x));

    [Benchmark]
    public void SumPositions() => Device.SumPositions(_x, Sink.Into(_sum));

    protected override void Prepare()
    {
        (_x, _z, _y) = (Random(X.Shape), Random(X.Shape), Random(X.Shape));
        (_wide, _large) = (Random(X.N, X.Size, X.Size, 2 * X.Channels), Random(X.N, 2 * X.Size, 2 * X.Size, X.Channels));
        _sum = Random(X.N, X.Channels);
    }
}
