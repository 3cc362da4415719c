using System.Runtime.CompilerServices;

namespace RawDiffusion.Core;

/// <summary>
/// Standard normal numbers from random bits by Box and Muller 1958: √(−2 ln u₁)·(cos 2πu₂, sin 2πu₂). Logarithm, sine and cosine are
/// polynomials in fused multiply-adds, which IEEE 754 fixes to the last bit, so that every device draws the very same noise; library
/// functions would differ between devices.
/// </summary>
public static class BoxMuller
{
    /// <summary>Two independent standard normal numbers from 64 random bits; |z| ≤ 5.77.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (float First, float Second) Pair(uint bits1, uint bits2)
    {
        // u₁ in (0, 1], so that the logarithm is finite.
        float radius = MathF.Sqrt(-2f * Log(((bits1 >> 8) + 1) * (1f / (1 << 24))));
        var (sine, cosine) = SineCosineOfTurns(bits2);
        return (radius * cosine, radius * sine);
    }

    /// <summary>ln u for a positive normal u: exponent and mantissa in [√½, √2), then a polynomial in mantissa − 1; error below 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log(float u)
    {
        int bits = BitConverter.SingleToInt32Bits(u) - 0x3F3504F3; // bits of √½
        int exponent = bits >> 23;
        float f = BitConverter.Int32BitsToSingle((bits & 0x007FFFFF) + 0x3F3504F3) - 1f;
        float p = 7.0376836292e-2f;
        p = MathF.FusedMultiplyAdd(p, f, -1.1514610310e-1f);
        p = MathF.FusedMultiplyAdd(p, f, 1.1676998740e-1f);
        p = MathF.FusedMultiplyAdd(p, f, -1.2420140846e-1f);
        p = MathF.FusedMultiplyAdd(p, f, 1.4249322787e-1f);
        p = MathF.FusedMultiplyAdd(p, f, -1.6668057665e-1f);
        p = MathF.FusedMultiplyAdd(p, f, 2.0000714765e-1f);
        p = MathF.FusedMultiplyAdd(p, f, -2.4999993993e-1f);
        p = MathF.FusedMultiplyAdd(p, f, 3.3333331174e-1f);
        float f2 = f * f;
        float y = f2 * (f * p);
        y = MathF.FusedMultiplyAdd(exponent, -2.12194440e-4f, y);
        y = MathF.FusedMultiplyAdd(-0.5f, f2, y);
        return MathF.FusedMultiplyAdd(exponent, 0.693359375f, f + y);
    }

    /// <summary>sin 2πu and cos 2πu for u = the upper 24 bits · 2⁻²⁴: the quadrant is exact, the rest a polynomial on [−π/4, π/4].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (float Sine, float Cosine) SineCosineOfTurns(uint bits)
    {
        int turns = (int)(bits >> 8);                        // 2²⁴ to the turn, 2²² to the quadrant
        int quadrant = (turns + (1 << 21)) >> 22;            // the nearest multiple of a quarter turn
        float x = (turns - (quadrant << 22)) * (float)(Math.PI / (1 << 23));
        float x2 = x * x;
        float s = MathF.FusedMultiplyAdd(-1.9515295891e-4f, x2, 8.3321608736e-3f);
        s = MathF.FusedMultiplyAdd(s, x2, -1.6666654611e-1f);
        s = MathF.FusedMultiplyAdd(s * x2, x, x);
        float c = MathF.FusedMultiplyAdd(2.443315711809948e-5f, x2, -1.388731625493765e-3f);
        c = MathF.FusedMultiplyAdd(c, x2, 4.166664568298827e-2f);
        c = MathF.FusedMultiplyAdd(c * x2, x2, MathF.FusedMultiplyAdd(-0.5f, x2, 1f));
        return (quadrant & 3) switch
        {
            0 => (s, c),
            1 => (c, -s),
            2 => (-s, -c),
            _ => (-c, s),
        };
    }
}
