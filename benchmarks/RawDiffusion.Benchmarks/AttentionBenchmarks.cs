using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;

namespace RawDiffusion.Benchmarks;

public class AttentionBenchmarks : CpuBenchmark
{
    private Tensor _q = null!, _k = null!, _v = null!, _y = null!, _p = null!, _dq = null!, _dk = null!, _dv = null!;

    public static IEnumerable<Activation> Tokens => [new("mnist", 64, 7, 64), new("cifar10", 8, 16, 256)];

    [ParamsSource(nameof(Tokens))]
    public Activation X { get; set; }

    [Params(1, 8)]
    public int Heads { get; set; }

    [Benchmark]
    public void Forward() => Device.Attention(_q, _k, _v, _y, _p, Heads);

    [Benchmark]
    public void Backward() => Device.AttentionBackward(_y, _q, _k, _v, _p, Sink.Into(_dq), Sink.Into(_dk), Sink.Into(_dv), Heads);

    protected override void Prepare()
    {
        (_q, _k, _v, _y) = (Random(X.Shape), Random(X.Shape), Random(X.Shape), Random(X.Shape));
        (_dq, _dk, _dv) = (Random(X.Shape), Random(X.Shape), Random(X.Shape));
        _p = Random(X.N, Heads, X.Size * X.Size, X.Size * X.Size);
        Forward();
    }
}
