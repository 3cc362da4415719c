using System.Collections.Concurrent;
using RawDiffusion.Core;

namespace RawDiffusion.Testing;

/// <summary>The checks that follow from a case: every device against the reference device, and every device against itself.</summary>
public static class Conformance
{
    private static readonly ConcurrentDictionary<(string Case, Usage Usage), IReadOnlyList<CaseResult>> _expected = [];

    /// <summary>Everything a device computes is within the case's tolerance of what the reference device computes.</summary>
    /// <exception cref="ConformanceException">The tensor that is furthest off, its worst element, and both values.</exception>
    public static void AgreesWithReference(OpCase opCase, DeviceUnderTest deviceUnderTest, Usage usage = Usage.Once)
    {
        var expected = _expected.GetOrAdd((opCase.FullName, usage), _ =>
        {
            using var reference = new ReferenceDevice();
            return CaseRun.Run(opCase, reference, usage);
        });
        using var device = deviceUnderTest.Create();
        var got = CaseRun.Run(opCase, device, usage);
        for (int i = 0; i < expected.Count; i++)
        {
            Compare(opCase, deviceUnderTest, usage, got[i], expected[i]);
        }
    }

    /// <summary>A second run gives the same bits, and so does one whose gradients lie elsewhere.</summary>
    /// <exception cref="ConformanceException">The first element that differs.</exception>
    public static void RepeatsBitForBit(OpCase opCase, DeviceUnderTest deviceUnderTest)
    {
        using var device = deviceUnderTest.Create();
        var first = CaseRun.Run(opCase, device);
        SameBits(opCase, first, CaseRun.Run(opCase, device), $"{deviceUnderTest} and in a second run");
        SameBits(opCase, first, CaseRun.Run(opCase, device, Usage.WithoutArena), $"{deviceUnderTest} and with gradients that the tape allocates");
    }

    /// <summary>
    /// Every gradient has the same bits, whether it is overwritten or added to, whatever is wanted of the others: each alone, and all three
    /// kinds of sink side by side, in turn for each gradient.
    /// </summary>
    /// <exception cref="ConformanceException">The first element that differs.</exception>
    public static void SinksAreIndependent(TapeCase tapeCase, DeviceUnderTest deviceUnderTest)
    {
        using var device = deviceUnderTest.Create();
        var alone = CaseRun.Run(tapeCase, device).ToDictionary(r => r.Name);
        var added = CaseRun.Run(tapeCase, device, Usage.Onto).ToDictionary(r => r.Name);
        string[] names = [.. tapeCase.Tensors.Where(t => t.Role == Role.Differentiable).Select(t => t.Name)];
        for (int k = 0; k < names.Length; k++)
        {
            int only = k;
            Check($"only ∂{names[k]} is wanted", i => i == only ? Wanted.Alone : Wanted.Not);
        }
        for (int k = 0; k < 3; k++)
        {
            int turn = k;
            Check($"gradients are not wanted, overwritten and added to in turn, the first {(Wanted)turn}", i => (Wanted)((turn + i) % 3));
        }

        void Check(string where, Func<int, Wanted> wanted)
        {
            var results = CaseRun.Run(tapeCase, device, wanted);
            var expected = results.Select(r => r.Name == "y" || wanted(Array.IndexOf(names, r.Name[1..])) == Wanted.Alone ? alone[r.Name] : added[r.Name]);
            SameBits(tapeCase, [.. expected], results, $"{deviceUnderTest} and where {where}");
        }
    }

    /// <summary>Two configurations give the same bits.</summary>
    /// <exception cref="ConformanceException">The first element that differs.</exception>
    public static void HasTheSameBits(OpCase opCase, DeviceUnderTest one, DeviceUnderTest other)
    {
        using Device first = one.Create(), second = other.Create();
        foreach (var usage in (Usage[])[Usage.Once, Usage.Onto])
        {
            SameBits(opCase, CaseRun.Run(opCase, first, usage), CaseRun.Run(opCase, second, usage), $"{one} and on {other}");
        }
    }

    private static void SameBits(OpCase opCase, IReadOnlyList<CaseResult> first, IReadOnlyList<CaseResult> second, string where)
    {
        foreach (var (a, b) in first.Zip(second))
        {
            for (int i = 0; i < a.Values.Length; i++)
            {
                if (BitConverter.DoubleToInt64Bits(a.Values[i]) != BitConverter.DoubleToInt64Bits(b.Values[i]))
                {
                    throw new ConformanceException($"{opCase}: {Element(a, i)} should have the same bits on {where}; found {a.Values[i]:R} and {b.Values[i]:R}");
                }
            }
        }
    }

    private static void Compare(OpCase opCase, DeviceUnderTest device, Usage usage, CaseResult got, CaseResult expected)
    {
        double[] errors = got.Errors(expected, opCase.Tolerance);
        double allowed = opCase.Tolerance.For(device.Precision);
        int worst = Array.IndexOf(errors, errors.Max()), beyond = errors.Count(error => error > allowed);
        if (beyond > 0)
        {
            throw new ConformanceException(
                $"{opCase} on {device}, tensors used {usage}: {Element(got, worst)} is {got.Values[worst]:G9}, expected {expected.Values[worst]:G9}. " +
                $"The error is {errors[worst]:0.0e+0} of the tensor's size, allowed are {allowed:0.0e+0}; {beyond} of {expected.Values.Length} elements are beyond that.");
        }
    }

    private static string Element(CaseResult tensor, int index)
    {
        int[] indices = new int[tensor.Shape.Rank];
        for (int d = indices.Length - 1; d >= 0; d--)
        {
            indices[d] = index % tensor.Shape[d];
            index /= tensor.Shape[d];
        }
        return $"{tensor.Name}[{string.Join(", ", indices)}] of {tensor.Shape}";
    }
}
