using RawDiffusion.Core;

namespace RawDiffusion.CudaTests;

/// <summary>The pattern of all op tests on the emulated device: the kernels against plain C#.</summary>
public class ElementwiseTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1024)]
    [InlineData(4099)]
    public void LinearCombinationMatchesPlainArithmetic(int count)
    {
        using var emulated = EmulatedDevice.Open();
        float[] a = Numbers(count, 1), b = Numbers(count, 2);
        using var x = emulated.Upload(a);
        using var z = emulated.Upload(b);
        using var y = new Tensor(emulated.Device, x.Shape);
        emulated.Device.LinearCombination(0.5, x, -2, z, y);
        Assert.Equal(a.Zip(b, (p, q) => 0.5f * p + -2f * q), y.ToArray());
        emulated.Device.LinearCombination(3, x, 0, null, x);
        Assert.Equal(a.Select(p => 3f * p), x.ToArray());
    }

    private static float[] Numbers(int count, int seed) => [.. Enumerable.Range(0, count).Select(i => MathF.Sin(i * 0.37f + seed) * 3)];
}
