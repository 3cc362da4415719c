using RawDiffusion.Core;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>Group normalisation where its blocks share the work in other ways than in the small cases of every device.</summary>
public class GroupNormTests
{
    [Theory]
    [InlineData("shared memory holds the forward's slab, not the backward's", 1, 1600, 8, 2)]
    [InlineData("shared memory holds no slab", 1, 5000, 8, 2)]
    [InlineData("shared memory holds no slab, no vectors", 1, 5000, 6, 2)]
    [InlineData("more runs than one, the last of them short", 2, 1024, 20, 5)]
    [InlineData("a run of two groups to have whole vectors", 1, 1024, 24, 4)]
    [InlineData("more vectors than threads", 2, 1, 260, 1)]
    [InlineData("more channels than threads", 2, 3, 131, 1)]
    [InlineData("more groups than warps", 2, 4, 64, 32)]
    public void AgreesWithTheReference(string what, int images, int positions, int channels, int groups)
    {
        TestGpu.Require();
        var shape = new Shape(images, positions, channels);
        CaseTensor[] tensors =
        [
            CaseTensor.Differentiable("x", shape, mean: 3), CaseTensor.Differentiable("gamma", new(channels), 0.5, 1), CaseTensor.Differentiable("beta", new(channels), 0.5),
            CaseTensor.Differentiable("scaleShift", new(images, 2 * channels), 0.5),
        ];
        // Among so many elements one is fifteen times the root mean square, in whose units errors count.
        var opCase = new TapeCase("GroupNorm", what, Tolerance.Sum with { Float32 = 3e-5 }, tensors,
            (tape, of) => tape.GroupNorm(of["x"], of["gamma"], of["beta"], groups, 1e-5, silu: true, of["scaleShift"]));
        Conformance.AgreesWithReference(opCase, TestGpu.Float32, Usage.Onto);
        Conformance.RepeatsBitForBit(opCase, TestGpu.Float32);
    }

    [Fact]
    public void AMeanOfAMillionDeviationsLeavesTheVarianceRight()
    {
        using var gpu = TestGpu.Open();
        // 2²⁰ ± 1: exact in float32, whose sum of squares could not tell them apart.
        float[] values = [.. Enumerable.Range(0, 512).Select(i => (1 << 20) + (i % 2 == 0 ? 1f : -1f))];
        using Tensor x = Make(values), y = Make(values), mean = new(gpu.Device, new Shape(1, 1)), rstd = new(gpu.Device, new Shape(1, 1));
        Tensor gamma = gpu.Upload(1, 1, 1, 1), beta = gpu.Upload(0, 0, 0, 0);
        gpu.Device.GroupNorm(x, gamma, beta, null, y, mean, rstd, 1, 0, silu: false);
        Assert.Equal([1 << 20], mean.ToArray());
        Assert.Equal([1f], rstd.ToArray());
        Assert.Equal(values.Select(v => v - (1 << 20)), y.ToArray());

        Tensor Make(float[] content) => new Tensor(gpu.Device, new Shape(1, 128, 4)).Upload(content);
    }

    /// <summary>Eight numbers above 2²⁰ whose sums, in whatever order, each round to less than they are: a first mean misses a fifth, more than the deviation.</summary>
    [Fact]
    public void AFirstMeanThatIsOffIsCorrected()
    {
        using var gpu = TestGpu.Open();
        const int positions = 4096, channels = 4;
        float[] above = [0, 0.125f, 0.125f, 0.25f, 0.25f, 0.25f, 0.25f, 0.5f];
        float[] values = [.. Enumerable.Range(0, positions * channels).Select(i => (1 << 20) + above[i / channels / (positions / above.Length)])];
        var x = gpu.Make(values.Length).Slice(0, new Shape(1, positions, channels)).Upload(values);
        Tensor y = gpu.Make(values.Length).Slice(0, x.Shape), mean = gpu.Make(1).Slice(0, new Shape(1, 1)), rstd = gpu.Make(1).Slice(0, new Shape(1, 1));
        gpu.Device.GroupNorm(x, gpu.Upload(1, 1, 1, 1), gpu.Upload(0, 0, 0, 0), null, y, mean, rstd, 1, 0, silu: false);
        double expected = above.Average(), variance = above.Average(a => (a - expected) * (a - expected));
        Assert.Equal((1 << 20) + expected, mean.ToArray()[0], 0.0625);
        Assert.Equal(1 / Math.Sqrt(variance), rstd.ToArray()[0], 1e-4);
    }
}
