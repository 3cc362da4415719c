using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using RawDiffusion.Cpu;

namespace RawDiffusion.Benchmarks;

/// <summary>Matrix products of attention, linear layers and 1×1 convolutions.</summary>
public unsafe class GemmBenchmarks
{
    private Workers _workers = null!;
    private Gemm _gemm = null!;
    private float* _a, _b, _c;

    [ParamsSource(nameof(Products))]
    public MatrixProduct Product { get; set; }

    public static IEnumerable<MatrixProduct> Products =>
    [
        new(256, 256, 256, TransposeB: true) { Batch = 8 },
        new(256, 256, 256) { Batch = 8 },
        new(49, 64, 49) { Batch = 64 },
        new(8192, 128, 384, TransposeB: true),
        new(8192, 384, 128),
        new(128, 384, 8192, TransposeA: true),
    ];

    [GlobalSetup]
    public void Setup()
    {
        var p = Product;
        _workers = new Workers();
        _a = ConvolutionBenchmarks.Allocate(p.Batch * p.M * p.K);
        _b = ConvolutionBenchmarks.Allocate(p.Batch * p.K * p.N);
        _c = ConvolutionBenchmarks.Allocate(p.Batch * p.M * p.N);
        _gemm = new Gemm(_workers);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _gemm.Dispose();
        _workers.Dispose();
        NativeMemory.AlignedFree(_a);
        NativeMemory.AlignedFree(_b);
        NativeMemory.AlignedFree(_c);
    }

    [Benchmark]
    public void Multiply() => _gemm.Multiply(Product, _a, _b, _c);
}
