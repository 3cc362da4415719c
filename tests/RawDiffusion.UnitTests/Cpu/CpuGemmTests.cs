using RawDiffusion.Cpu;

namespace RawDiffusion.UnitTests.Cpu;

/// <summary>Matrix products against plain loops in double precision, on every instruction set and for several numbers of workers.</summary>
public sealed unsafe class CpuGemmTests
{
    public static TheoryData<InstructionSet> InstructionSets => [.. Enum.GetValues<InstructionSet>()];

    public static IEnumerable<(int M, int N, int K, int Batch)> Sizes =>
    [
        (1, 1, 1, 1), (3, 5, 7, 2), (14, 32, 16, 1), (49, 64, 49, 3), (31, 33, 35, 2), (256, 96, 64, 1), (1, 512, 128, 1),
        (33, 1, 1100, 1), (5, 3, 2100, 1), (128, 40, 600, 1), (70, 31, 0, 1),
    ];

    [Theory]
    [MemberData(nameof(InstructionSets))]
    public void MatchesPlainLoops(InstructionSet set)
    {
        if (!KernelSet.Supports(set))
        {
            Assert.Skip($"This processor has no {set} instructions.");
        }

        int variant = 0;
        foreach (var (m, n, k, batch) in Sizes)
        {
            for (int transposes = 0; transposes < 4; transposes++)
            {
                // The other choices take turns, so that each meets each transpose.
                foreach (var (alpha, beta, withBias, withResidual) in new[] { (1f, 0f, false, false), (0.25f, 1f, true, false), (1f, 0.5f, false, true), (-2f, 0f, true, true) })
                {
                    Check(set, m, n, k, batch, (transposes & 1) != 0, (transposes & 2) != 0, alpha, beta, withBias, withResidual, padding: variant++ % 3);
                }
            }
        }
    }

    [Fact]
    public void SharesOneMatrixAmongProducts()
    {
        using var workers = new ThreadTeam(2);
        using var a = NativeFloats.Random(3 * 4 * 5, 1);
        using var b = NativeFloats.Random(5 * 6, 2);
        using var c = new NativeFloats(3 * 4 * 6);
        using var expected = new NativeFloats(3 * 4 * 6);
        using var gemm = new Gemm(workers);
        gemm.Multiply(new MatrixProduct(4, 6, 5) { Batch = 3, StrideB = 0 }, a, b, c);
        gemm.Multiply(new MatrixProduct(12, 6, 5), a, b, expected);
        Assert.True(c.Span.SequenceEqual(expected.Span));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PacksAMatrixOncePerVersion(bool transposeB)
    {
        const int m = 5, n = 35, k = 21;
        using var workers = new ThreadTeam(2);
        using var a = NativeFloats.Random(m * k, 1);
        using var b = NativeFloats.Random(k * n, 2);
        using var c = new NativeFloats(m * n);
        using var expected = new NativeFloats(m * n);
        using var gemm = new Gemm(workers);
        var product = new MatrixProduct(m, n, k, TransposeB: transposeB);

        gemm.Multiply(product, a, b, expected);
        gemm.Multiply(product, a, b, c, identity: new(1, 1));
        Assert.True(c.Span.SequenceEqual(expected.Span));

        b.Span.Clear();
        gemm.Multiply(product, a, b, c, identity: new(1, 1));
        Assert.True(c.Span.SequenceEqual(expected.Span), "B was read again though its version was the same");
        gemm.Multiply(product, a, b, c, identity: new(1, 2));
        Assert.False(c.Span.ContainsAnyExcept(0f), "B was not read again though its version was another");
    }

    [Fact]
    public void RefusesAShortLeadingDimension()
    {
        using var workers = new ThreadTeam(1);
        using var gemm = new Gemm(workers);
        Assert.Throws<ArgumentException>(() => gemm.Multiply(new MatrixProduct(2, 3, 4) { LeadingA = 3 }, null, null, null));
    }

    private static void Check(
        InstructionSet set, int m, int n, int k, int batch, bool transposeA, bool transposeB, float alpha, float beta, bool withBias, bool withResidual, int padding)
    {
        var plain = new MatrixProduct(m, n, k, transposeA, transposeB);
        var p = plain with
        {
            Alpha = alpha,
            Beta = beta,
            Batch = batch,
            LeadingA = plain.LeadingA + padding,
            LeadingB = plain.LeadingB + padding,
            LeadingC = plain.LeadingC + padding,
            StrideA = (long)(transposeA ? k : m) * (plain.LeadingA + padding),
            StrideB = (long)(transposeB ? n : k) * (plain.LeadingB + padding),
            StrideC = (long)m * (plain.LeadingC + padding),
        };
        using var a = NativeFloats.Random((int)p.StrideA * batch, 1);
        using var b = NativeFloats.Random((int)p.StrideB * batch, 2);
        using var bias = NativeFloats.Random(n, 3);
        using var residual = NativeFloats.Random((int)p.StrideC * batch, 4);
        using var before = NativeFloats.Random((int)p.StrideC * batch, 5);
        var expected = new ReferenceSums((int)p.StrideC * batch);
        for (int i = 0; i < p.StrideC * batch; i++)
        {
            int product = i / (int)p.StrideC, row = i % (int)p.StrideC / p.LeadingC, column = i % p.LeadingC;
            if (column >= n)
            {
                expected.Add(i, before.Span[i]);
                continue;
            }
            for (int j = 0; j < k; j++)
            {
                expected.Add(i, (double)alpha
                    * a.Span[(int)(product * p.StrideA) + (transposeA ? j * p.LeadingA + row : row * p.LeadingA + j)]
                    * b.Span[(int)(product * p.StrideB) + (transposeB ? column * p.LeadingB + j : j * p.LeadingB + column)]);
            }

            expected.Add(i, (double)beta * before.Span[i] + (withBias ? bias.Span[column] : 0) + (withResidual ? residual.Span[i] : 0.0));
        }
        float[]? first = null;
        foreach (int count in new[] { 1, 2, 3 })
        {
            using var workers = new ThreadTeam(count);
            using var c = new NativeFloats((int)p.StrideC * batch);
            before.Span.CopyTo(c.Span);
            using var gemm = new Gemm(workers, set);
            gemm.Multiply(p, a, b, c, withBias ? bias : null, withResidual ? residual : null);
            if (first is null)
            {
                expected.AssertClose(c.Span, $"{p} ({set})");
            }

            first ??= c.Span.ToArray();
            Assert.True(c.Span.SequenceEqual(first), $"{p} ({set}): {count} workers give other bits than one.");
        }
    }
}
