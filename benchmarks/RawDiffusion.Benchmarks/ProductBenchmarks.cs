using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;

namespace RawDiffusion.Benchmarks;

/// <summary>3×3 convolutions and the 1×1 that runs as a matrix product, with as many channels out as in.</summary>
public class ProductBenchmarks : CpuBenchmark
{
    private Tensor _x = null!, _y = null!, _w = null!, _dw = null!, _matrix = null!, _bias = null!;

    public static IEnumerable<Activation> Layers =>
        [new("mnist", 64, 28, 32), new("mnist", 64, 14, 64), new("cifar10", 8, 32, 128), new("cifar10", 8, 16, 256), new("cifar10", 8, 4, 256)];

    [ParamsSource(nameof(Layers))]
    public Activation X { get; set; }

    private ConvGeometry Geometry => new(X.N, X.Size, X.Size, X.Channels, X.Channels, 3, 1, 1, 1, 1, 1);

    [Benchmark]
    public void Conv2d() => Device.Conv2d(_x, _w, _bias, null, null, _y, Geometry);

    [Benchmark]
    public void Conv2dBackwardInput() => Device.Conv2dBackwardInput(_y, _w, _x, false, Geometry);

    [Benchmark]
    public void Conv2dBackwardWeight() => Device.Conv2dBackwardWeight(_x, _y, _dw, _bias, false, Geometry);

    [Benchmark]
    public void Linear() => Device.Linear(_x, _matrix, _bias, null, _y);

    protected override void Prepare()
    {
        int c = X.Channels;
        (_x, _y, _bias) = (Random(X.Shape), Random(X.Shape), Random(c));
        (_w, _dw, _matrix) = (Random(c, 3, 3, c), Random(c, 3, 3, c), Random(c, c));
    }
}
