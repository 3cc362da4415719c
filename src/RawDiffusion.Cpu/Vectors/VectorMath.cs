using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RawDiffusion.Cpu;

/// <summary>Elementary functions on 16 floats.</summary>
internal static class VectorMath
{
    /// <summary>
    /// eˣ within 1 ulp, also where it is subnormal; 0 below −104, +∞ above 88.73, NaN for NaN.
    /// x = n·ln 2 + r with |r| ≤ ln 2 / 2, eʳ by a polynomial, 2ⁿ by the exponent bits in two factors so that neither overflows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // The native forms return their second argument where one is NaN.
        x = Vector512.MaxNative(Vector512.Create(-104f), Vector512.MinNative(Vector512.Create(89f), x));
        var y = Reduced(x, out var n);
        var half = Vector512.ShiftRightArithmetic(n, 1);
        return y * PowerOfTwo(half) * PowerOfTwo(n - half);
    }

    /// <summary>x·σ(x), σ(x) = 1/(1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Silu(Vector512<float> x) =>
        x / Vector512.FusedMultiplyAdd(Reduced(LimitedMinus(x), out var n), PowerOfTwo(n), Vector512<float>.One);

    /// <summary>The derivative of x·σ(x): σ·(1 + x·(1 − σ)), with 1 − σ computed as σ·e⁻ˣ, which does not cancel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SiluDerivative(Vector512<float> x)
    {
        var e = Reduced(LimitedMinus(x), out var n) * PowerOfTwo(n);
        var sigmoid = Vector512<float>.One / (Vector512<float>.One + e);
        return Vector512.FusedMultiplyAdd(sigmoid * x, sigmoid * e, sigmoid);
    }

    // −x, limited to where the power of two is a normal number, which saves a factor; beyond, σ is 0 or 1 to within 2⁻¹²⁵ anyway.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LimitedMinus(Vector512<float> x) =>
        Vector512.MaxNative(Vector512.Create(-87f), Vector512.MinNative(Vector512.Create(87f), -x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Reduced(Vector512<float> x, out Vector512<int> n)
    {
        // Adding 1.5·2²³ rounds to an integer, which then stands in the low bits.
        var rounder = Vector512.Create(12582912f);
        var shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), rounder);
        var whole = shifted - rounder;
        var r = Vector512.FusedMultiplyAdd(whole, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(whole, Vector512.Create(2.12194440e-4f), r);
        n = shifted.AsInt32() - rounder.AsInt32();
        var p = Vector512.FusedMultiplyAdd(Vector512.Create(1.9875691500e-4f), r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        return Vector512.FusedMultiplyAdd(p, r * r, r) + Vector512<float>.One;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> PowerOfTwo(Vector512<int> n) => Vector512.ShiftLeft(n + Vector512.Create(127), 23).AsSingle();
}
