using RawDiffusion.Core;

namespace RawDiffusion.CudaTests;

/// <summary>Element-wise kernels against plain C#: whole vectors and rests, aligned tensors and slices that are not.</summary>
public class ElementwiseTests
{
    public static TheoryData<int, int> CountsAndOffsets => new(from count in (int[])[1, 3, 1024, 4099] from offset in (int[])[0, 1] select (count, offset));

    [Theory]
    [MemberData(nameof(CountsAndOffsets))]
    public void LinearCombinationMatchesPlainArithmetic(int count, int offset)
    {
        using var gpu = TestGpu.Open();
        float[] a = Numbers(count, 1), b = Numbers(count, 2);
        Tensor x = Slice(gpu, count, offset).Upload(a), z = gpu.Upload(b), y = Slice(gpu, count, offset);
        gpu.Device.LinearCombination(0.5, x, -2, z, y);
        Assert.Equal(a.Zip(b, (p, q) => 0.5f * p + -2f * q), y.ToArray());
        gpu.Device.LinearCombination(3, x, 0, null, x);
        Assert.Equal(a.Select(p => 3f * p), x.ToArray());
        gpu.Device.LinearCombination(1, z, 1, z, z);
        Assert.Equal(b.Select(q => q + q), z.ToArray());
    }

    [Theory]
    [MemberData(nameof(CountsAndOffsets))]
    public void SiluAndItsGradientMatchDoublePrecision(int count, int offset)
    {
        using var gpu = TestGpu.Open();
        float[] a = Numbers(count, 1), d = Numbers(count, 2);
        a[0] = -100;
        Tensor x = Slice(gpu, count, offset).Upload(a), dy = gpu.Upload(d), y = Slice(gpu, count, offset), dx = Slice(gpu, count, offset);
        gpu.Device.Silu(x, y);
        gpu.Device.SiluBackward(dy, x, Sink.Into(dx));
        gpu.Device.SiluBackward(dy, x, Sink.Onto(dx));
        float[] gotY = y.ToArray(), gotDx = dx.ToArray();
        for (int i = 0; i < count; i++)
        {
            double sigmoid = 1 / (1 + Math.Exp(-(double)a[i]));
            Assert.Equal(a[i] * sigmoid, gotY[i], 1e-6);
            Assert.Equal(2 * d[i] * sigmoid * (1 + a[i] * (1 - sigmoid)), gotDx[i], 2e-6);
        }
    }

    private static Tensor Slice(TestGpu gpu, int count, int offset) => gpu.Make(count + offset).Slice(offset, new Shape(count));

    private static float[] Numbers(int count, int seed) => [.. Enumerable.Range(0, count).Select(i => MathF.Sin(i * 0.37f + seed) * 3)];
}
