using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;

namespace RawDiffusion.Benchmarks;

public class GroupNormBenchmarks : CpuBenchmark
{
    private Tensor _x = null!, _gamma = null!, _beta = null!, _y = null!, _mean = null!, _rstd = null!, _dx = null!, _dgamma = null!, _dbeta = null!;

    [ParamsSource(nameof(Activations))]
    public Activation X { get; set; }

    [Benchmark]
    public void Forward() => Device.GroupNorm(_x, _gamma, _beta, null, _y, _mean, _rstd, 32, 1e-6, silu: true);

    [Benchmark]
    public void Backward() =>
        Device.GroupNormBackward(_y, _x, _gamma, _beta, null, _mean, _rstd, Sink.Into(_dx), Sink.Into(_dgamma), Sink.Into(_dbeta), Sink.None, 32, silu: true);

    protected override void Prepare()
    {
        (_x, _y, _dx) = (Random(X.Shape), Random(X.Shape), Random(X.Shape));
        (_gamma, _beta, _dgamma, _dbeta) = (Random(X.Channels), Random(X.Channels), Random(X.Channels), Random(X.Channels));
        (_mean, _rstd) = (Random(X.N, 32), Random(X.N, 32));
        Forward();
    }
}
