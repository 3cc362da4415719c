using System.Runtime.CompilerServices;

namespace RawDiffusion.Core;

/// <summary>
/// The counter-based generator Philox 4×32-10 of Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3":
/// a pure function from a 128-bit counter and a 64-bit key to 128 random bits. There is no state to keep or to share, so
/// any device and any thread can compute any element of any stream on its own, in any order, with the same bits.
/// </summary>
public static class Philox
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>Ten rounds of Philox: the 128 bits that belong to <paramref name="counter"/> under <paramref name="key"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt4 Block(UInt4 counter, ulong key)
    {
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        var (x, y, z, w) = counter;
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)Multiplier0 * x, p1 = (ulong)Multiplier1 * z;
            (x, y, z, w) = ((uint)(p1 >> 32) ^ y ^ k0, (uint)p1, (uint)(p0 >> 32) ^ w ^ k1, (uint)p0);
            k0 += Weyl0;
            k1 += Weyl1;
        }
        return new UInt4(x, y, z, w);
    }

    /// <summary>A float in [0, 1) from 32 random bits: the upper 24 bits times 2⁻²⁴, exact in float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Uniform(uint bits) => (bits >> 8) * (1f / (1 << 24));
}

/// <summary>Four 32-bit words: a Philox counter, or one block of its output.</summary>
/// <param name="X">The word that counts first.</param>
/// <param name="Y">The second word.</param>
/// <param name="Z">The third word.</param>
/// <param name="W">The word that counts last.</param>
public readonly record struct UInt4(uint X, uint Y, uint Z, uint W);
