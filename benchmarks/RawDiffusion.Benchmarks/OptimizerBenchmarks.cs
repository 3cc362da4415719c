using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;

namespace RawDiffusion.Benchmarks;

/// <summary>What follows the backward pass: 4 bytes per parameter for the norm, 36 for the step.</summary>
public class OptimizerBenchmarks : CpuBenchmark
{
    private Tensor _parameters = null!, _gradients = null!, _firstMoment = null!, _secondMoment = null!, _ema = null!, _sum = null!, _settings = null!;

    [Params(1_112_801, 35_746_307)]
    public int Parameters { get; set; }

    [Benchmark]
    public void SumOfSquares() => Device.SumOfSquares(_gradients, _sum);

    [Benchmark]
    public void AdamStep() => Device.AdamStep(_parameters, _gradients, _firstMoment, _secondMoment, _ema, _sum, _settings);

    protected override void Prepare()
    {
        (_parameters, _gradients, _ema) = (Random(Parameters), Random(Parameters), Random(Parameters));
        (_firstMoment, _secondMoment) = (Random(Parameters).Clear(), Random(Parameters).Clear());
        _sum = Random(1);
        _settings = Random((int)AdamSetting.Count).Upload([2e-4f, .9f, .1f, .999f, .001f, 1e-8f, .1f, .03f, 1, 1e-4f]);
        SumOfSquares();
    }
}
