using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;
using RawDiffusion.Cpu;

namespace RawDiffusion.Benchmarks;

/// <summary>The three passes of the direct convolution on shapes of the mnist and cifar10 networks.</summary>
public unsafe class ConvolutionBenchmarks
{
    private Workers _workers = null!;
    private Convolution _convolution = null!;
    private float* _x, _w, _y;

    [ParamsSource(nameof(Geometries))]
    public ConvGeometry Geometry { get; set; }

    public static IEnumerable<ConvGeometry> Geometries =>
    [
        ConvGeometry.Symmetric(64, 28, 28, 32, 32),
        ConvGeometry.Symmetric(64, 14, 14, 64, 64),
        ConvGeometry.Symmetric(64, 7, 7, 64, 64),
        ConvGeometry.Symmetric(64, 28, 28, 32, 1),
        ConvGeometry.Symmetric(8, 32, 32, 128, 128),
        ConvGeometry.Symmetric(8, 16, 16, 256, 256),
        ConvGeometry.Symmetric(8, 4, 4, 256, 256),
        ConvGeometry.Symmetric(8, 32, 32, 128, 128, stride: 2),
    ];

    [GlobalSetup]
    public void Setup()
    {
        var g = Geometry;
        _workers = new Workers();
        _x = Allocate(g.N * g.H * g.W * g.Cin);
        _w = Allocate(g.Cout * g.Kernel * g.Kernel * g.Cin);
        _y = Allocate(g.N * g.OutH * g.OutW * g.Cout);
        _convolution = new Convolution(_workers);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _convolution.Dispose();
        _workers.Dispose();
        NativeMemory.AlignedFree(_x);
        NativeMemory.AlignedFree(_w);
        NativeMemory.AlignedFree(_y);
    }

    [Benchmark]
    public void Forward() => _convolution.Forward(Geometry, _x, _w, _y, identity: new((nint)_w, 1));

    [Benchmark]
    public void BackwardInput() => _convolution.BackwardInput(Geometry, _y, _w, _x, identity: new((nint)_w, 1));

    [Benchmark]
    public void BackwardWeight() => _convolution.BackwardWeight(Geometry, _x, _y, _w);

    internal static float* Allocate(int length)
    {
        float* floats = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), 64);
        new Span<float>(floats, length).Clear();
        return floats;
    }
}
