using RawDiffusion.Core;
using RawDiffusion.Cpu;

namespace RawDiffusion.UnitTests.Cpu;

/// <summary>The direct convolution against plain loops in double precision, on every instruction set and for several numbers of workers.</summary>
public sealed unsafe class CpuConvolutionTests
{
    public static TheoryData<InstructionSet> InstructionSets => [.. Enum.GetValues<InstructionSet>()];

    /// <summary>Ragged channels and planes, strides, kernels, one-sided padding, batches that fill and that miss the image-interleaved tiles.</summary>
    public static IEnumerable<ConvGeometry> Geometries =>
    [
        ConvGeometry.Symmetric(1, 1, 1, 1, 1),
        ConvGeometry.Symmetric(2, 5, 7, 3, 33),
        ConvGeometry.Symmetric(1, 14, 14, 33, 31),
        ConvGeometry.Symmetric(2, 7, 7, 35, 3),
        ConvGeometry.Symmetric(1, 28, 28, 32, 32),
        ConvGeometry.Symmetric(1, 31, 33, 16, 40),
        ConvGeometry.Symmetric(1, 33, 5, 1, 35),
        ConvGeometry.Symmetric(2, 31, 14, 40, 1),
        ConvGeometry.Symmetric(23, 7, 7, 20, 33),
        ConvGeometry.Symmetric(9, 4, 4, 48, 64),
        ConvGeometry.Symmetric(5, 8, 8, 32, 32),
        ConvGeometry.Symmetric(31, 2, 3, 5, 6),
        ConvGeometry.Symmetric(2, 14, 14, 32, 64, stride: 2),
        ConvGeometry.Symmetric(9, 7, 7, 33, 31, stride: 2),
        ConvGeometry.Symmetric(1, 33, 31, 3, 5, stride: 2),
        ConvGeometry.Symmetric(1, 9, 9, 4, 4, stride: 3),
        ConvGeometry.Symmetric(1, 10, 11, 6, 7, kernel: 5),
        ConvGeometry.Symmetric(1, 12, 9, 3, 4, kernel: 9),
        ConvGeometry.Symmetric(3, 6, 5, 33, 35, kernel: 1),
        ConvGeometry.Symmetric(2, 6, 5, 7, 35, kernel: 1, stride: 2),
        ConvGeometry.Symmetric(2, 28, 28, 1, 32),
        ConvGeometry.Symmetric(2, 28, 28, 32, 1),
        ConvGeometry.Symmetric(1, 9, 32, 3, 40, stride: 2),
        ConvGeometry.Symmetric(1, 10, 9, 40, 3, stride: 2),
        new(1, 6, 7, 35, 2, 3, 2, 0, 0, 1, 1),
        new(1, 7, 6, 2, 35, 3, 1, 0, 2, 0, 0),
        new(2, 8, 8, 32, 33, 3, 2, 0, 0, 1, 1),
        new(1, 7, 5, 31, 35, 3, 2, 0, 0, 1, 1),
        new(10, 4, 4, 16, 32, 3, 2, 0, 0, 1, 1),
        new(1, 9, 8, 5, 6, 3, 1, 0, 0, 0, 0),
        new(1, 9, 8, 5, 6, 3, 1, 2, 1, 0, 2),
    ];

    [Theory]
    [MemberData(nameof(InstructionSets))]
    public void ForwardMatchesPlainLoops(InstructionSet set)
    {
        SkipUnless(set);
        foreach (var g in Geometries)
        {
            using var x = NativeFloats.Random(g.N * g.H * g.W * g.Cin, 1);
            using var w = NativeFloats.Random(g.Cout * g.Kernel * g.Kernel * g.Cin, 2);
            using var bias = NativeFloats.Random(g.Cout, 3);
            using var channelAdd = NativeFloats.Random(g.N * g.Cout, 4);
            using var residual = NativeFloats.Random(OutputLength(g), 5);
            foreach (var (withBias, withAdd, withResidual) in new[] { (false, false, false), (true, false, true), (true, true, true), (false, true, false) })
            {
                var expected = new ReferenceSums(OutputLength(g));
                ForEachProduct(g, (y, xi, wi) => expected.Add(y, (double)x.Span[xi] * w.Span[wi]));
                for (int i = 0; i < OutputLength(g); i++)
                {
                    int image = i / (g.OutH * g.OutW * g.Cout), channel = i % g.Cout;
                    expected.Add(i, (withBias ? bias.Span[channel] : 0) + (withAdd ? channelAdd.Span[image * g.Cout + channel] : 0.0) + (withResidual ? residual.Span[i] : 0.0));
                }
                foreach (bool inPlace in withResidual ? new[] { false, true } : [false])
                {
                    AssertSameForAnyWorkers(set, OutputLength(g), expected, $"forward {g}", (convolution, y) =>
                    {
                        if (inPlace)
                        {
                            residual.Span.CopyTo(y.Span);
                        }

                        convolution.Forward(g, x, w, y, withBias ? bias : null, withAdd ? channelAdd : null, withResidual ? inPlace ? y : residual : null);
                    });
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(InstructionSets))]
    public void BackwardInputMatchesPlainLoops(InstructionSet set)
    {
        SkipUnless(set);
        foreach (var g in Geometries)
        {
            int length = g.N * g.H * g.W * g.Cin;
            using var dy = NativeFloats.Random(OutputLength(g), 1);
            using var w = NativeFloats.Random(g.Cout * g.Kernel * g.Kernel * g.Cin, 2);
            using var before = NativeFloats.Random(length, 3);
            foreach (bool accumulate in new[] { false, true })
            {
                var expected = new ReferenceSums(length);
                ForEachProduct(g, (yi, xi, wi) => expected.Add(xi, (double)dy.Span[yi] * w.Span[wi]));
                for (int i = 0; accumulate && i < length; i++)
                {
                    expected.Add(i, before.Span[i]);
                }

                AssertSameForAnyWorkers(set, length, expected, $"backward to the input {g}", (convolution, dx) =>
                {
                    if (accumulate)
                    {
                        before.Span.CopyTo(dx.Span);
                    }

                    convolution.BackwardInput(g, dy, w, dx, accumulate);
                });
            }
        }
    }

    [Theory]
    [MemberData(nameof(InstructionSets))]
    public void BackwardWeightMatchesPlainLoops(InstructionSet set)
    {
        SkipUnless(set);
        foreach (var g in Geometries)
        {
            int length = g.Cout * g.Kernel * g.Kernel * g.Cin;
            using var x = NativeFloats.Random(g.N * g.H * g.W * g.Cin, 1);
            using var dy = NativeFloats.Random(OutputLength(g), 2);
            using var before = NativeFloats.Random(length + g.Cout, 3);
            foreach (bool accumulate in new[] { false, true })
            {
                var expected = new ReferenceSums(length + g.Cout);
                ForEachProduct(g, (yi, xi, wi) => expected.Add(wi, (double)dy.Span[yi] * x.Span[xi]));
                for (int i = 0; i < OutputLength(g); i++)
                {
                    expected.Add(length + i % g.Cout, dy.Span[i]);
                }

                for (int i = 0; accumulate && i < length + g.Cout; i++)
                {
                    expected.Add(i, before.Span[i]);
                }

                AssertSameForAnyWorkers(set, length + g.Cout, expected, $"backward to the weights {g}", (convolution, dw) =>
                {
                    if (accumulate)
                    {
                        before.Span.CopyTo(dw.Span);
                    }

                    convolution.BackwardWeight(g, x, dy, dw, accumulate, dw.Pointer + length, accumulate);
                });
            }
        }
    }

    [Fact]
    public void PacksAgainWhenTheVersionChanges()
    {
        var g = ConvGeometry.Symmetric(1, 4, 4, 8, 8);
        using var workers = new ThreadTeam(1);
        using var convolution = new Convolution(workers);
        using var x = NativeFloats.Random(g.N * g.H * g.W * g.Cin, 1);
        using var w = NativeFloats.Random(g.Cout * 9 * g.Cin, 2);
        using var y = new NativeFloats(OutputLength(g));
        const nint memory = 64;
        float At(long version)
        {
            convolution.Forward(g, x, w, y, identity: new(memory, version));
            return y.Span[0];
        }
        float first = At(1);
        w.Span.Fill(0);
        Assert.Equal(first, At(1));
        Assert.Equal(0, At(2));
        w.Span.Fill(1);
        Assert.Equal(0, At(2));
        long packed = convolution.PackedBytes;
        Assert.True(packed > 0);
        convolution.Forget(memory + 64);
        Assert.Equal(packed, convolution.PackedBytes);
        convolution.Forget(memory);
        Assert.Equal(0, convolution.PackedBytes);
        Assert.NotEqual(0, At(2));
        w.Span.Fill(0);
        Assert.Equal(0, At(0));
    }

    [Fact]
    public void RefusesPaddingAsWideAsTheKernel()
    {
        using var workers = new ThreadTeam(1);
        using var convolution = new Convolution(workers);
        Assert.Throws<ArgumentException>(() => convolution.Forward(new ConvGeometry(1, 4, 4, 1, 1, 3, 1, 3, 0, 0, 0), null, null, null));
    }

    private static void SkipUnless(InstructionSet set)
    {
        if (!KernelSet.Supports(set))
        {
            Assert.Skip($"This processor has no {set} instructions.");
        }
    }

    private static int OutputLength(in ConvGeometry g) => g.N * g.OutH * g.OutW * g.Cout;

    private static void AssertSameForAnyWorkers(
        InstructionSet set, int length, ReferenceSums expected, string what, Action<Convolution, NativeFloats> run)
    {
        float[]? first = null;
        foreach (int count in new[] { 1, 2, 3 })
        {
            using var workers = new ThreadTeam(count);
            using var convolution = new Convolution(workers, set);
            using var result = new NativeFloats(length);
            run(convolution, result);
            if (first is null)
            {
                expected.AssertClose(result.Span, $"{what} ({set})");
            }

            first ??= result.Span.ToArray();
            Assert.True(result.Span.SequenceEqual(first), $"{what} ({set}): {count} workers give other bits than one.");
        }
    }

    /// <summary>Names the elements of y, x and w whose values meet in each product of the convolution.</summary>
    private static void ForEachProduct(ConvGeometry g, Action<int, int, int> product)
    {
        for (int n = 0; n < g.N; n++)
        {
            for (int i = 0; i < g.OutH; i++)
            {
                for (int j = 0; j < g.OutW; j++)
                {
                    for (int r = 0; r < g.Kernel; r++)
                    {
                        for (int s = 0; s < g.Kernel; s++)
                        {
                            int h = i * g.Stride + r - g.PadTop, column = j * g.Stride + s - g.PadLeft;
                            if (h < 0 || h >= g.H || column < 0 || column >= g.W)
                            {
                                continue;
                            }

                            for (int o = 0; o < g.Cout; o++)
                            {
                                for (int c = 0; c < g.Cin; c++)
                                {
                                    product(((n * g.OutH + i) * g.OutW + j) * g.Cout + o, ((n * g.H + h) * g.W + column) * g.Cin + c, ((o * g.Kernel + r) * g.Kernel + s) * g.Cin + c);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
