using System.Runtime.InteropServices;
using RawDiffusion.Core;

namespace RawDiffusion.CudaTests;

/// <summary>Random numbers are the same on every device, to the last bit.</summary>
public class RandomKernelTests
{
    [Fact]
    public void PhiloxUniformAndNormalNumbersHaveTheBitsOfCore()
    {
        using var gpu = TestGpu.Open();
        const int count = 20_000;
        const ulong key = 0x299f31d0a4093822;
        var random = new Random(3);
        var counters = new UInt4[count];
        random.NextBytes(MemoryMarshal.AsBytes(counters.AsSpan()));
        for (uint i = 0; i < 1000; i++)
        {
            counters[i] = new UInt4(i, i / 10, i % 7, (uint)RandomPurpose.Noise);
        }
        Tensor bits = gpu.Make(DType.Int32, 4 * count), z = gpu.Make(4 * count), u = gpu.Make(4 * count);
        var input = gpu.Make(DType.Int32, 4 * count).Upload(MemoryMarshal.Cast<UInt4, int>(counters));
        gpu.Kernel("philox_checks", "random_checks").Launch(gpu.Stream, (count + 127) / 128, 128, 0, bits, z, u, input, key, count);
        var gotBits = MemoryMarshal.Cast<int, UInt4>(bits.ToArray<int>()).ToArray();
        float[] gotZ = z.ToArray(), gotU = u.ToArray();
        for (int i = 0; i < count; i++)
        {
            var expected = Philox.Block(counters[i], key);
            Assert.Equal(expected, gotBits[i]);
            var (a, b) = BoxMuller.Pair(expected.X, expected.Y);
            var (c, d) = BoxMuller.Pair(expected.Z, expected.W);
            AssertSameBits([a, b, c, d], gotZ.AsSpan(4 * i, 4));
            AssertSameBits([Philox.Uniform(expected.X), Philox.Uniform(expected.Y), Philox.Uniform(expected.Z), Philox.Uniform(expected.W)], gotU.AsSpan(4 * i, 4));
        }
    }

    [Fact]
    public void NormalNumbersHaveTheBitsOfCoreAtTheEdges()
    {
        using var gpu = TestGpu.Open();
        // The smallest and largest u₁, both sides of √½ and of powers of two; every boundary between quadrants.
        uint[] firsts = [0, 1, 255, 256, 0xB504F300, 0xB504F400, 0xB504F200, 0x7FFFFFFF, 0x80000000, 0xFFFFFF00, uint.MaxValue];
        uint[] seconds = [.. Enumerable.Range(0, 16).SelectMany(i => (uint[])[(uint)i << 28, ((uint)i << 28) + 0x100, ((uint)i << 28) - 0x100])];
        var pairs = (from a in firsts from b in seconds select (a, b)).ToArray();
        var z = gpu.Make(2 * pairs.Length);
        Tensor first = gpu.Make(DType.Int32, pairs.Length).Upload(pairs.Select(p => (int)p.a).ToArray()), second = gpu.Make(DType.Int32, pairs.Length).Upload(pairs.Select(p => (int)p.b).ToArray());
        gpu.Kernel("normal_pairs", "random_checks").Launch(gpu.Stream, (pairs.Length + 127) / 128, 128, 0, z, first, second, pairs.Length);
        float[] got = z.ToArray();
        for (int i = 0; i < pairs.Length; i++)
        {
            var (a, b) = BoxMuller.Pair(pairs[i].a, pairs[i].b);
            AssertSameBits([a, b], got.AsSpan(2 * i, 2));
        }
    }

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> got) =>
        Assert.Equal(MemoryMarshal.Cast<float, int>(expected).ToArray(), MemoryMarshal.Cast<float, int>(got).ToArray());
}
