using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;

namespace RawDiffusion.Benchmarks;

public class NoiseBenchmarks : CpuBenchmark
{
    private Tensor _x0 = null!, _coefficients = null!, _xt = null!, _target = null!, _update = null!, _weights = null!, _perSample = null!, _loss = null!;

    public static IEnumerable<Activation> Images => [new("mnist", 64, 28, 1), new("cifar10", 8, 32, 3)];

    [ParamsSource(nameof(Images))]
    public Activation X { get; set; }

    [Benchmark]
    public void FillNormal() => Device.FillNormal(_x0, Stream);

    [Benchmark]
    public void AddNoise() => Device.AddNoise(_x0, _coefficients, null, Stream, _xt, _target);

    [Benchmark]
    public void DenoiseUpdate() => Device.DenoiseUpdate(_xt, _target, null, _update, null, Stream, null, _xt);

    [Benchmark]
    public void MeanSquaredError() => Device.MeanSquaredError(_xt, _target, _weights, _perSample, _loss);

    protected override void Prepare()
    {
        (_x0, _xt, _target) = (Random(X.Shape), Random(X.Shape), Random(X.Shape));
        (_coefficients, _weights, _perSample, _loss) = (Random(X.N, 4), Random(X.N), Random(X.N), Random(1));
        _update = Random(7).Upload([1f, -.1f, 1, .5f, .5f, 0, .1f]);
    }
}
