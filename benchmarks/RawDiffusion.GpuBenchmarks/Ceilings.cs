using System.Reflection;
using RawDiffusion.Core;
using RawDiffusion.Cuda;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>What this GPU was seen to do at most: operations a second, from registers, and bytes a second.</summary>
/// <param name="Float32">Fused multiply-adds outside the tensor cores, counted as two.</param>
/// <param name="Tf32">The tensor cores' products of TF32 by <c>mma.sync</c>, which on Hopper is less than its warpgroup instructions reach.</param>
/// <param name="Bf16">The same of bf16.</param>
/// <param name="Gemm">A large float32 matrix product of cuBLAS.</param>
/// <param name="GemmTf32">The same in TF32.</param>
/// <param name="Copy">A device-to-device copy, bytes read and bytes written.</param>
internal sealed record Ceilings(double Float32, double Tf32, double Bf16, double Gemm, double GemmTf32, double Copy)
{
    /// <summary>Measures all of them.</summary>
    public static Ceilings Measure(CudaDevice device, CudaDevice tf32, bool quick)
    {
        using var timer = new GpuTimer(device, quick);
        using var timerTf32 = new GpuTimer(tf32, quick);
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("ceilings.cu")!);
        using var module = new CudaModule(device.Stream.Context, device.Compiler.Compile(new KernelSource("ceilings", reader.ReadToEnd(), KernelSources.All[0].Headers)));
        const int threads = 256, chains = 8, unrolled = 16;
        int blocks = quick ? 2 : 8 * device.Properties.Multiprocessors, rounds = quick ? 2 : 4096;
        using var results = new Tensor(device, new Shape(blocks * threads));
        double Rate(double operations, Action work) => operations / timer.Measure(work).Median * 1e3;
        double OfWarps(string kernel, int k) =>
            Rate(2.0 * 16 * 8 * k * chains * rounds * (blocks * threads / 32), () => module[kernel].Launch(device.Stream, blocks, threads, 0, results, 1e-3f, rounds));

        return new Ceilings(
            Rate(2.0 * chains * unrolled * rounds * blocks * threads, () => module["ceiling_float32"].Launch(device.Stream, blocks, threads, 0, results, 0.999f, 1e-3f, rounds)),
            OfWarps("ceiling_tf32", 8), OfWarps("ceiling_bf16", 16),
            MatrixProduct(device, timer, quick), MatrixProduct(tf32, timerTf32, quick), CopyRate(device, timer, quick));
    }

    private static double MatrixProduct(CudaDevice device, GpuTimer timer, bool quick)
    {
        int side = quick ? 32 : 8192;
        using Tensor a = Normal(device, side, side), b = Normal(device, side, side), c = Normal(device, side, side);
        return 2.0 * side * side * side / timer.Measure(() => device.LinearBackwardInput(a, b, Sink.Into(c))).Median * 1e3;
    }

    private static double CopyRate(CudaDevice device, GpuTimer timer, bool quick)
    {
        int count = quick ? 1 << 12 : 1 << 28;
        using Tensor from = Normal(device, count), to = Normal(device, count);
        return 2.0 * from.Bytes / timer.Measure(() => to.CopyFrom(from)).Median * 1e3;
    }

    /// <summary>Standard normal numbers: zeros run faster than real data on a GPU short of power.</summary>
    private static Tensor Normal(CudaDevice device, params ReadOnlySpan<int> shape)
    {
        var tensor = new Tensor(device, new Shape(shape));
        using var position = new Tensor(device, new Shape(2), DType.Int32, "position").Clear();
        device.FillNormal(tensor, new RandomStream(1, RandomPurpose.Noise, position));
        return tensor;
    }
}
