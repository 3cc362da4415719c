using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using RawDiffusion.Core;

namespace RawDiffusion.CudaTests;

/// <summary>That kernels are computed here no better than on a GPU, so that tolerances met here are met there.</summary>
public class FloatingPointTests
{
    [Fact]
    public void SumsOfProductsAreFusedUnlessRoundedByName()
    {
        Assert.SkipUnless(Fma.IsSupported || AdvSimd.IsSupported, "this processor fuses nothing");
        using var emulated = EmulatedDevice.Open();
        const float a = 1 + 1f / 4096, c = -(1 + 2f / 4096); // a² = −c + 2⁻²⁴, half a unit in the last place
        Tensor fused = emulated.Make(1), rounded = emulated.Make(1), x = emulated.Upload(a);
        emulated.Kernel("products_and_sums", "floating_checks").Launch(emulated.Stream, 1, 1, 0, fused, rounded, x, x, emulated.Upload(c));
        Assert.Equal((MathF.FusedMultiplyAdd(a, a, c), a * a + c), (fused.ToArray()[0], rounded.ToArray()[0]));
        Assert.Equal((1f / (1 << 24), 0f), (fused.ToArray()[0], rounded.ToArray()[0]));
    }

    [Fact]
    public void FunctionsAreOffByWhatCudaDocuments()
    {
        using var emulated = EmulatedDevice.Open();
        float[] x = [0, float.NegativeInfinity, float.NaN, .. Enumerable.Range(0, 4093).Select(i => (i - 2000) * 0.037f)], y = [.. x.Select(v => 3 - v / 7)];
        (y[0], y[1], y[2]) = (1e38f, float.PositiveInfinity, 1);
        Tensor exponentials = emulated.Make(x.Length), quotients = emulated.Make(x.Length);
        emulated.Kernel("functions", "floating_checks").Launch(emulated.Stream, x.Length / 256, 256, 0, exponentials, quotients, emulated.Upload(x), emulated.Upload(y), x.Length);
        Assert.Equal([1f, 0f, float.NaN], exponentials.ToArray()[..3]);
        Assert.Equal(0, quotients.ToArray()[0]);
        AssertOffByTwo(exponentials.ToArray()[3..], [.. x[3..].Select(v => Math.Exp(v))]);
        AssertOffByTwo(quotients.ToArray()[3..], [.. x[3..].Zip(y[3..], (a, b) => (double)a / b)]);
    }

    [Fact]
    public void QuotientsByDivisorsBeyondTheRangeOfTheReciprocalAreZero()
    {
        using var emulated = EmulatedDevice.Open();
        Tensor exponentials = emulated.Make(2), quotients = emulated.Make(2);
        emulated.Kernel("functions", "floating_checks").Launch(emulated.Stream, 1, 32, 0, exponentials, quotients, emulated.Upload(1, 1), emulated.Upload(1.1e38f, 8e37f), 2);
        Assert.Equal(0f, quotients.ToArray()[0]);
        Assert.Equal(1 / 8e37f, quotients.ToArray()[1], 1e-43f);
    }

    /// <summary>Also a NaN whose payload lies in the bits that are dropped stays one.</summary>
    [Fact]
    public void NarrowerNumbersRoundAsTheInstructionsDo()
    {
        using var emulated = EmulatedDevice.Open();
        int[] bits = [0x3F801000, 0x3F803000, 0x3F808000, 0x3F818000, 0x7F7FFFFF, 0x7F800001, unchecked((int)0xFF800000)];
        Tensor tf32 = emulated.Make(DType.Int32, bits.Length), bf16 = emulated.Make(DType.Int32, bits.Length);
        emulated.Kernel("narrowed", "floating_checks").Launch(emulated.Stream, 1, bits.Length, 0, tf32, bf16, emulated.Make(DType.Int32, bits.Length).Upload(bits));
        // tf32: ties away from zero; bf16: ties to even.
        Assert.Equal([0x3F802000, 0x3F804000, 0x3F808000, 0x3F818000, 0x7F800000, 0x7FFFFFFF, unchecked((int)0xFF800000)], tf32.ToArray<int>());
        Assert.Equal([0x3F80, 0x3F80, 0x3F80, 0x3F82, 0x7F80, 0x7FFF, 0xFF80], bf16.ToArray<int>().Select(b => b & 0xFFFF));
    }

    private static void AssertOffByTwo(float[] got, double[] exact)
    {
        double[] errors = [.. got.Zip(exact, (g, e) => Math.Abs(g - e) / Math.Max(float.Epsilon, MathF.BitIncrement(MathF.Abs((float)e)) - MathF.Abs((float)e)))];
        Assert.InRange(errors.Max(), 1.5, 2.5);
    }
}
