using System.Runtime.InteropServices;

namespace RawDiffusion.UnitTests.Cpu;

/// <summary>Native floats whose neighbourhood is guarded: <see cref="Dispose"/> fails if anything was written outside of them.</summary>
internal sealed unsafe class NativeFloats : IDisposable
{
    private const int Guard = 64;
    private const float Mark = -7.25e11f;
    private readonly float* _memory;
    private readonly int _length;

    public NativeFloats(int length, float fill = float.NaN)
    {
        _length = length;
        _memory = (float*)NativeMemory.AlignedAlloc((nuint)(length + 2 * Guard) * sizeof(float), 64);
        new Span<float>(_memory, length + 2 * Guard).Fill(Mark);
        Span.Fill(fill);
    }

    public float* Pointer => _memory + Guard;

    public Span<float> Span => new(Pointer, _length);

    public static NativeFloats Random(int length, int seed)
    {
        var floats = new NativeFloats(length);
        var random = new Random(seed);
        foreach (ref float value in floats.Span)
        {
            value = (float)(random.NextDouble() * 2 - 1);
        }

        return floats;
    }

    public static implicit operator float*(NativeFloats? floats) => floats is null ? null : floats.Pointer;

    public void Dispose()
    {
        bool intact = true;
        for (int i = 0; i < Guard; i++)
        {
            intact &= _memory[i] == Mark && _memory[Guard + _length + i] == Mark;
        }

        NativeMemory.AlignedFree(_memory);
        Assert.True(intact, "A kernel wrote outside of its output.");
    }
}

/// <summary>A value in double precision beside √Σ(ab)² of the terms it sums, the scale of its rounding errors.</summary>
internal sealed class ReferenceSums(int length)
{
    private const double Tolerance = 1e-5;
    private readonly double[] _values = new double[length], _squares = new double[length];

    public void Add(int index, double term)
    {
        _values[index] += term;
        _squares[index] += term * term;
    }

    public void AssertClose(ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(_values.Length, actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            double error = Math.Abs(actual[i] - _values[i]), scale = Math.Sqrt(_squares[i]) + 1e-3;
            if (!(error <= Tolerance * scale))
            {
                Assert.Fail($"{what}: element {i} is {actual[i]}, expected {_values[i]} ± {Tolerance * scale}.");
            }
        }
    }
}
