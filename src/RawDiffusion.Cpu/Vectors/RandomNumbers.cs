using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>
/// A random stream's numbers, sixteen Philox blocks at a time, equal bit by bit to <see cref="Philox"/> and <see cref="BoxMuller"/>.
/// Lane 4j + i works on block 4i + j: so the four words of a block come together by unpacking within 128-bit parts alone.
/// </summary>
internal readonly unsafe struct RandomNumbers
{
    private const int BlocksAtOnce = 16;
    private const int WordsAtOnce = 4 * BlocksAtOnce;

    private readonly ulong _seed;
    private readonly uint _purpose, _step, _firstSample;

    /// <summary>The stream at its present position.</summary>
    public RandomNumbers(in RandomStream stream)
    {
        int* position = (int*)stream.Position.Address;
        (_seed, _purpose, _step, _firstSample) = (stream.Seed, (uint)stream.Purpose, (uint)position[0], (uint)position[1]);
    }

    /// <summary>The standard normal numbers of elements first..first+count of a sample of the batch; first is a multiple of 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Normals(int sample, long first, int count, float* target)
    {
        float* rest = stackalloc float[WordsAtOnce];
        for (int i = 0; i < count; i += WordsAtOnce)
        {
            Words(sample, first + i, out var x, out var y, out var z, out var w);
            Pair(x, y, out var a, out var b);
            Pair(z, w, out var c, out var d);
            Interleave(a, b, c, d, i + WordsAtOnce <= count ? target + i : rest);
        }
        CopyRest(rest, count, target);
    }

    /// <summary>Likewise numbers in [0, 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Uniforms(int sample, long first, int count, float* target)
    {
        float* rest = stackalloc float[WordsAtOnce];
        for (int i = 0; i < count; i += WordsAtOnce)
        {
            Words(sample, first + i, out var x, out var y, out var z, out var w);
            Interleave(Uniform(x), Uniform(y), Uniform(z), Uniform(w), i + WordsAtOnce <= count ? target + i : rest);
        }
        CopyRest(rest, count, target);
    }

    private static void CopyRest(float* rest, int count, float* target)
    {
        int full = count / WordsAtOnce * WordsAtOnce;
        Unsafe.CopyBlockUnaligned(target + full, rest, (uint)(count - full) * sizeof(float));
    }

    /// <summary>Ten rounds on two halves of eight 64-bit lanes, whose upper halves never matter: a product's operands are 32 bits wide.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Words(int sample, long element, out Vector512<uint> x, out Vector512<uint> y, out Vector512<uint> z, out Vector512<uint> w)
    {
        var first = Vector512.Create((ulong)(element / 4));
        var x0 = first + Vector512.Create(0ul, 4, 8, 12, 1, 5, 9, 13);
        var x1 = first + Vector512.Create(2ul, 6, 10, 14, 3, 7, 11, 15);
        var y0 = Vector512.Create((ulong)(_firstSample + (uint)sample));
        var z0 = Vector512.Create((ulong)_step);
        var w0 = Vector512.Create((ulong)_purpose);
        var (y1, z1, w1) = (y0, z0, w0);
        var key0 = Vector512.Create((ulong)(uint)_seed);
        var key1 = Vector512.Create(_seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            Round(ref x0, ref y0, ref z0, ref w0, key0, key1);
            Round(ref x1, ref y1, ref z1, ref w1, key0, key1);
            key0 += Vector512.Create(0x9E3779B9ul);
            key1 += Vector512.Create(0xBB67AE85ul);
        }
        x = Vector512.Narrow(x0, x1);
        y = Vector512.Narrow(y0, y1);
        z = Vector512.Narrow(z0, z1);
        w = Vector512.Narrow(w0, w1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector512<ulong> x, ref Vector512<ulong> y, ref Vector512<ulong> z, ref Vector512<ulong> w, Vector512<ulong> key0, Vector512<ulong> key1)
    {
        var p0 = Multiply(x, Vector512.Create(0xD2511F53ul));
        var p1 = Multiply(z, Vector512.Create(0xCD9E8D57ul));
        x = Vector512.ShiftRightLogical(p1, 32) ^ y ^ key0;
        z = Vector512.ShiftRightLogical(p0, 32) ^ w ^ key1;
        y = p1;
        w = p0;
    }

    /// <summary>The 64-bit products of the lower halves of 64-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Multiply(Vector512<ulong> a, Vector512<ulong> b)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.Multiply(a.AsUInt32(), b.AsUInt32());
        }
        if (Avx2.IsSupported)
        {
            return Vector512.Create(
                Avx2.Multiply(a.GetLower().AsUInt32(), b.GetLower().AsUInt32()), Avx2.Multiply(a.GetUpper().AsUInt32(), b.GetUpper().AsUInt32()));
        }
        var lower = Vector512.Create((ulong)uint.MaxValue);
        return (a & lower) * (b & lower);
    }

    /// <summary><see cref="Philox.Uniform"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Uniform(Vector512<uint> bits) =>
        Vector512.ConvertToSingle(Vector512.ShiftRightLogical(bits, 8).AsInt32()) * Vector512.Create(1f / (1 << 24));

    /// <summary><see cref="BoxMuller.Pair"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair(Vector512<uint> bits1, Vector512<uint> bits2, out Vector512<float> first, out Vector512<float> second)
    {
        var u = Vector512.ConvertToSingle((Vector512.ShiftRightLogical(bits1, 8) + Vector512<uint>.One).AsInt32()) * Vector512.Create(1f / (1 << 24));
        var radius = Vector512.Sqrt(Vector512.Create(-2f) * Log(u));
        SineCosineOfTurns(bits2, out var sine, out var cosine);
        first = radius * cosine;
        second = radius * sine;
    }

    /// <summary><see cref="BoxMuller.Log"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Log(Vector512<float> u)
    {
        var root = Vector512.Create(0x3F3504F3);
        var bits = u.AsInt32() - root;
        var exponent = Vector512.ConvertToSingle(Vector512.ShiftRightArithmetic(bits, 23));
        var f = ((bits & Vector512.Create(0x007FFFFF)) + root).AsSingle() - Vector512<float>.One;
        var p = Vector512.Create(7.0376836292e-2f);
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-1.1514610310e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.1676998740e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-1.2420140846e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.4249322787e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-1.6668057665e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.0000714765e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-2.4999993993e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(3.3333331174e-1f));
        var f2 = f * f;
        var y = f2 * (f * p);
        y = Vector512.FusedMultiplyAdd(exponent, Vector512.Create(-2.12194440e-4f), y);
        y = Vector512.FusedMultiplyAdd(Vector512.Create(-0.5f), f2, y);
        return Vector512.FusedMultiplyAdd(exponent, Vector512.Create(0.693359375f), f + y);
    }

    /// <summary><see cref="BoxMuller.SineCosineOfTurns"/>: odd quadrants swap sine and cosine; bit 1 of the quadrant, or of the next, is the sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SineCosineOfTurns(Vector512<uint> bits, out Vector512<float> sine, out Vector512<float> cosine)
    {
        var turns = Vector512.ShiftRightLogical(bits, 8).AsInt32();
        var quadrant = Vector512.ShiftRightArithmetic(turns + Vector512.Create(1 << 21), 22);
        var x = Vector512.ConvertToSingle(turns - Vector512.ShiftLeft(quadrant, 22)) * Vector512.Create((float)(Math.PI / (1 << 23)));
        var x2 = x * x;
        var s = Vector512.FusedMultiplyAdd(Vector512.Create(-1.9515295891e-4f), x2, Vector512.Create(8.3321608736e-3f));
        s = Vector512.FusedMultiplyAdd(s, x2, Vector512.Create(-1.6666654611e-1f));
        s = Vector512.FusedMultiplyAdd(s * x2, x, x);
        var c = Vector512.FusedMultiplyAdd(Vector512.Create(2.443315711809948e-5f), x2, Vector512.Create(-1.388731625493765e-3f));
        c = Vector512.FusedMultiplyAdd(c, x2, Vector512.Create(4.166664568298827e-2f));
        c = Vector512.FusedMultiplyAdd(c * x2, x2, Vector512.FusedMultiplyAdd(Vector512.Create(-0.5f), x2, Vector512<float>.One));
        var odd = Vector512.Equals(quadrant & Vector512<int>.One, Vector512<int>.One).AsSingle();
        var two = Vector512.Create(2);
        var sineSign = Vector512.ShiftLeft(quadrant & two, 30);
        var cosineSign = Vector512.ShiftLeft((quadrant + Vector512<int>.One) & two, 30);
        sine = (Vector512.ConditionalSelect(odd, c, s).AsInt32() ^ sineSign).AsSingle();
        cosine = (Vector512.ConditionalSelect(odd, s, c).AsInt32() ^ cosineSign).AsSingle();
    }

    /// <summary>Stores the four words of each block side by side, blocks in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(Vector512<float> x, Vector512<float> y, Vector512<float> z, Vector512<float> w, float* target)
    {
        if (Avx512F.IsSupported)
        {
            var xy0 = Avx512F.UnpackLow(x, y).AsDouble();
            var xy1 = Avx512F.UnpackHigh(x, y).AsDouble();
            var zw0 = Avx512F.UnpackLow(z, w).AsDouble();
            var zw1 = Avx512F.UnpackHigh(z, w).AsDouble();
            Avx512F.UnpackLow(xy0, zw0).AsSingle().Store(target);
            Avx512F.UnpackHigh(xy0, zw0).AsSingle().Store(target + 16);
            Avx512F.UnpackLow(xy1, zw1).AsSingle().Store(target + 32);
            Avx512F.UnpackHigh(xy1, zw1).AsSingle().Store(target + 48);
        }
        else
        {
            float* wordsX = (float*)&x, wordsY = (float*)&y, wordsZ = (float*)&z, wordsW = (float*)&w;
            for (int block = 0; block < BlocksAtOnce; block++)
            {
                int lane = 4 * (block % 4) + block / 4;
                target[4 * block] = wordsX[lane];
                target[4 * block + 1] = wordsY[lane];
                target[4 * block + 2] = wordsZ[lane];
                target[4 * block + 3] = wordsW[lane];
            }
        }
    }
}
