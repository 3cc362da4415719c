using RawDiffusion.Core;
using RawDiffusion.Cpu;

namespace RawDiffusion.UnitTests.Cpu;

/// <summary>The vectorised random numbers against the scalar definition, bit for bit.</summary>
public class CpuDeviceNoiseTests
{
    private const ulong Seed = 0xFEDCBA9876543210;

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 63)]
    [InlineData(1, 64)]
    [InlineData(2, 65)]
    [InlineData(5, 784)]
    [InlineData(2, 1027)]
    [InlineData(3, 3072)]
    [InlineData(1, 300_000)]
    public void NoiseEqualsTheScalarDefinition(int samples, int perSample)
    {
        using var device = new CpuDevice(2);
        foreach (var (step, first) in ((int, int)[])[(0, 0), (999, 12345), (-1, int.MaxValue)])
        {
            using var position = Position(device, step, first);
            using var y = new Tensor(device, new Shape(samples, perSample));
            device.FillNormal(y, new RandomStream(Seed, RandomPurpose.SamplingStep, position));
            Assert.Equal(Scalar(samples, perSample, step, first, RandomPurpose.SamplingStep, Normals), y.ToArray());
        }
    }

    [Fact]
    public void DropoutKeepsWhereTheScalarUniformNumberReachesTheRate()
    {
        const int samples = 3, perSample = 5001;
        using var device = new CpuDevice(2);
        using var position = Position(device, 7, 100);
        using var x = new Tensor(device, new Shape(samples, perSample)).Upload(Enumerable.Repeat(1f, samples * perSample).ToArray());
        using var y = new Tensor(device, x.Shape);
        float[] uniforms = Scalar(samples, perSample, 7, 100, RandomPurpose.Dropout + 5, Uniforms);
        // A rate that a number meets exactly, and its neighbours in double precision.
        foreach (double rate in (double[])[0, 0.1, 0.5, uniforms[77], Math.BitIncrement((double)uniforms[77]), Math.BitDecrement((double)uniforms[77])])
        {
            device.Dropout(x, Sink.Into(y), rate, new RandomStream(Seed, RandomPurpose.Dropout + 5, position));
            float scale = (float)(1 / (1 - rate));
            Assert.Equal(uniforms.Select(u => u >= rate ? scale : 0), y.ToArray());
        }
    }

    [Fact]
    public void DrawnNoiseEqualsGivenNoise()
    {
        const int samples = 3, perSample = 1501;
        using var device = new CpuDevice(2);
        using var position = Position(device, 7, 100);
        var stream = new RandomStream(Seed, RandomPurpose.Noise, position);
        var shape = new Shape(samples, perSample);
        using var noise = new Tensor(device, shape);
        using var x = new Tensor(device, shape);
        device.FillNormal(noise, stream);
        device.FillNormal(x, stream with { Purpose = RandomPurpose.SamplingStart });
        using var coefficients = new Tensor(device, new Shape(samples, 4)).Upload([.8f, .6f, 0, 1, .9f, .1f, 1, 0, -1, 2, 3, .5f]);
        using var update = new Tensor(device, new Shape(7)).Upload([1.2f, -.5f, 1, .3f, .7f, .1f, .25f]);
        using Tensor a = new(device, shape), b = new(device, shape), c = new(device, shape), d = new(device, shape);

        device.AddNoise(x, coefficients, null, stream, a, b);
        device.AddNoise(x, coefficients, noise, stream, c, d);
        Assert.Equal(c.ToArray(), a.ToArray());
        Assert.Equal(d.ToArray(), b.ToArray());

        device.DenoiseUpdate(x, noise, d, update, null, stream, null, a);
        device.DenoiseUpdate(x, noise, d, update, noise, stream, c, b);
        Assert.Equal(b.ToArray(), a.ToArray());
        Assert.Contains(1f, c.ToArray());
        // The two halves one after the other, with the same numbers, come to the same bits.
        using Tensor first = new Tensor(device, new Shape(1, 3)).Upload([1.2f, -.5f, 1]), second = new Tensor(device, new Shape(1, 4)).Upload([.3f, .7f, .1f, .25f]);
        using Tensor estimate = new(device, shape), next = new(device, shape);
        device.EstimateX0(x, noise, first, estimate);
        device.WeightedSum(second, [x, estimate, d], null, stream, next);
        Assert.Equal(c.ToArray(), estimate.ToArray());
        Assert.Equal(b.ToArray(), next.ToArray());
        device.DenoiseUpdate(x, noise, d, update, noise, stream, null, x);
        Assert.Equal(b.ToArray(), x.ToArray());
    }

    private static Tensor Position(Device device, int step, int first) => new Tensor(device, new Shape(2), DType.Int32).Upload([step, first]);

    private static float[] Normals(UInt4 block)
    {
        var (a, b) = BoxMuller.Pair(block.X, block.Y);
        var (c, d) = BoxMuller.Pair(block.Z, block.W);
        return [a, b, c, d];
    }

    private static float[] Uniforms(UInt4 block) => [Philox.Uniform(block.X), Philox.Uniform(block.Y), Philox.Uniform(block.Z), Philox.Uniform(block.W)];

    private static float[] Scalar(int samples, int perSample, int step, int first, RandomPurpose purpose, Func<UInt4, float[]> numbers)
    {
        float[] values = new float[samples * perSample];
        for (int n = 0; n < samples; n++)
        {
            for (int e = 0; e < perSample; e += 4)
            {
                var block = Philox.Block(new UInt4((uint)e / 4, (uint)first + (uint)n, (uint)step, (uint)purpose), Seed);
                numbers(block).AsSpan(0, Math.Min(4, perSample - e)).CopyTo(values.AsSpan(n * perSample + e));
            }
        }
        return values;
    }
}
