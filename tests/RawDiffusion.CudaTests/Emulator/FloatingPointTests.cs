using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using RawDiffusion.Core;

namespace RawDiffusion.CudaTests;

/// <summary>What arithmetic gives in kernels, here no better than on a GPU, so that tolerances met here are met there.</summary>
public class FloatingPointTests
{
    [Fact]
    public void SumsOfProductsAreFusedUnlessRoundedByName()
    {
        Assert.SkipUnless(Fma.IsSupported || AdvSimd.IsSupported, "this processor fuses nothing");
        using var gpu = TestGpu.Open();
        const float a = 1 + 1f / 4096, c = -(1 + 2f / 4096); // a² = −c + 2⁻²⁴, half a unit in the last place
        Tensor fused = gpu.Make(1), rounded = gpu.Make(1), x = gpu.Upload(a);
        gpu.Kernel("products_and_sums", "floating_checks").Launch(gpu.Stream, 1, 1, 0, fused, rounded, x, x, gpu.Upload(c));
        Assert.Equal((MathF.FusedMultiplyAdd(a, a, c), a * a + c), (fused.ToArray()[0], rounded.ToArray()[0]));
        Assert.Equal((1f / (1 << 24), 0f), (fused.ToArray()[0], rounded.ToArray()[0]));
    }

    [Fact]
    public void FunctionsAreOffByNoMoreThanCudaDocuments()
    {
        using var gpu = TestGpu.Open();
        Assert.InRange(LargestError(gpu), 0, 2.5);
    }

    [Fact]
    public void FunctionsAreOffByThatMuchHere()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.InRange(LargestError(emulated), 1.5, 2.5);
    }

    /// <summary>In units of the last place.</summary>
    private static double LargestError(TestGpu gpu)
    {
        float[] x = [0, float.NegativeInfinity, float.NaN, .. Enumerable.Range(0, 4093).Select(i => (i - 2000) * 0.037f)], y = [.. x.Select(v => 3 - v / 7)];
        (y[0], y[1], y[2]) = (1e38f, float.PositiveInfinity, 1);
        Tensor exponentials = gpu.Make(x.Length), quotients = gpu.Make(x.Length);
        gpu.Kernel("functions", "floating_checks").Launch(gpu.Stream, x.Length / 256, 256, 0, exponentials, quotients, gpu.Upload(x), gpu.Upload(y), x.Length);
        Assert.Equal([1f, 0f, float.NaN], exponentials.ToArray()[..3]);
        Assert.Equal(0, quotients.ToArray()[0]);
        return Math.Max(
            Errors(exponentials.ToArray()[3..], x[3..].Select(v => Math.Exp(v))).Max(), Errors(quotients.ToArray()[3..], x[3..].Zip(y[3..], (a, b) => (double)a / b)).Max());
    }

    [Fact]
    public void QuotientsByDivisorsBeyondTheRangeOfTheReciprocalAreZero()
    {
        using var emulated = TestGpu.OpenEmulated();
        Tensor exponentials = emulated.Make(2), quotients = emulated.Make(2);
        emulated.Kernel("functions", "floating_checks").Launch(emulated.Stream, 1, 32, 0, exponentials, quotients, emulated.Upload(1, 1), emulated.Upload(1.1e38f, 8e37f), 2);
        Assert.Equal(0f, quotients.ToArray()[0]);
        Assert.Equal(1 / 8e37f, quotients.ToArray()[1], 1e-43f);
    }

    /// <summary>Also the NaN that GPUs make, which stays one, and one of low bits only, which tf32 makes infinite: so the machine code for sm_80 and sm_90a says.</summary>
    [Fact]
    public void NarrowerNumbersRoundAsTheInstructionsDo()
    {
        using var gpu = TestGpu.Open();
        int[] bits = [0x3F801000, 0x3F803000, 0x3F808000, 0x3F818000, 0x7F7FFFFF, 0x7FFFFFFF, 0x7F800001, unchecked((int)0xFF800000)];
        Tensor tf32 = gpu.Make(DType.Int32, bits.Length), bf16 = gpu.Make(DType.Int32, bits.Length);
        gpu.Kernel("narrowed", "floating_checks").Launch(gpu.Stream, 1, bits.Length, 0, tf32, bf16, gpu.Make(DType.Int32, bits.Length).Upload(bits));
        // tf32: ties away from zero, and nobody looks at the lowest 13 bits; bf16: ties to even.
        Assert.Equal([0x3F802000, 0x3F804000, 0x3F808000, 0x3F818000, 0x7F800000, 0x7FFFE000, 0x7F800000, unchecked((int)0xFF800000)], tf32.ToArray<int>().Select(b => b & ~0x1FFF));
        Assert.Equal([0x3F80, 0x3F80, 0x3F80, 0x3F82, 0x7F80, 0x7FFF, 0x7FFF, 0xFF80], bf16.ToArray<int>().Select(b => b & 0xFFFF));
    }

    private static IEnumerable<double> Errors(float[] got, IEnumerable<double> exact) =>
        got.Zip(exact, (g, e) => Math.Abs(g - e) / Math.Max(float.Epsilon, MathF.BitIncrement(MathF.Abs((float)e)) - MathF.Abs((float)e)));
}
