using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RawDiffusion.Cpu;

/// <summary>Copies that bring operands into the order in which the register-tile kernels read them.</summary>
internal static unsafe class Packing
{
    /// <summary>
    /// Copies <paramref name="rows"/> rows of up to 32 floats. The target's rows have room for whole vectors of 16: what lies behind
    /// <paramref name="columns"/> is undefined, and the kernels' results for it are dropped.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, nint sourcePitch, float* target, nint targetPitch, int rows, int columns)
    {
        int width = columns <= Vector512<float>.Count ? Vector512<float>.Count : 2 * Vector512<float>.Count;

        // Rows whose last vector ends within the source: those near its end are copied float by float.
        nint slack = (rows - 1) * sourcePitch + columns - width;
        int wholeRows = slack < 0 ? 0 : (int)Math.Min(rows, slack / Math.Max(1, sourcePitch) + 1);
        int row = 0;
        if (width == Vector512<float>.Count)
        {
            for (; row < wholeRows; row++, source += sourcePitch, target += targetPitch)
            {
                Vector512.Load(source).Store(target);
            }
        }
        else
        {
            for (; row < wholeRows; row++, source += sourcePitch, target += targetPitch)
            {
                Vector512.Load(source).Store(target);
                Vector512.Load(source + Vector512<float>.Count).Store(target + Vector512<float>.Count);
            }
        }
        for (; row < rows; row++, source += sourcePitch, target += targetPitch)
        {
            for (int column = 0; column < columns; column++)
            {
                target[column] = source[column];
            }
        }
    }

    /// <summary>
    /// Copies <paramref name="rows"/> rows, cut into blocks of <paramref name="width"/> floats (16 or 32): target[block][row] = source[row][block].
    /// It reads along the rows, which the processor foresees. Behind the last column the target is undefined, as with <see cref="Copy"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyBlocks(float* source, nint sourcePitch, float* target, nint targetPitch, nint blockPitch, int rows, int columns, int width = Blocking.Channels)
    {
        int blocks = columns / width;
        float* from = source, to = target;
        for (int row = 0; row < rows; row++, from += sourcePitch, to += targetPitch)
        {
            float* next = from, block = to;
            for (int i = 0; i < blocks; i++, next += width, block += blockPitch)
            {
                Vector512.Load(next).Store(block);
                if (width > Vector512<float>.Count)
                {
                    Vector512.Load(next + Vector512<float>.Count).Store(block + Vector512<float>.Count);
                }
            }
        }
        if (columns > blocks * width)
        {
            Copy(source + blocks * width, sourcePitch, target + blocks * blockPitch, targetPitch, rows, columns - blocks * width);
        }
    }

    /// <summary>Multiplies whole vectors of 16 by a factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* values, nint count, float factor)
    {
        for (nint i = 0; i < count; i += Vector512<float>.Count)
        {
            (Vector512.Load(values + i) * factor).Store(values + i);
        }
    }

    /// <summary>target[column][row] = source[row][column].</summary>
    public static void Transpose(float* source, nint sourcePitch, float* target, nint targetPitch, int rows, int columns)
    {
        int row = 0;
        if (Avx.IsSupported)
        {
            for (; row + 8 <= rows; row += 8)
            {
                int column = 0;
                for (; column + 8 <= columns; column += 8)
                {
                    Transpose8x8(source + row * sourcePitch + column, sourcePitch, target + column * targetPitch + row, targetPitch);
                }
                TransposeElements(source + row * sourcePitch + column, sourcePitch, target + column * targetPitch + row, targetPitch, 8, columns - column);
            }
        }
        TransposeElements(source + row * sourcePitch, sourcePitch, target + row, targetPitch, rows - row, columns);
    }

    private static void TransposeElements(float* source, nint sourcePitch, float* target, nint targetPitch, int rows, int columns)
    {
        for (int column = 0; column < columns; column++)
        {
            for (int row = 0; row < rows; row++)
            {
                target[column * targetPitch + row] = source[row * sourcePitch + column];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose8x8(float* source, nint sourcePitch, float* target, nint targetPitch)
    {
        var r0 = Vector256.Load(source);
        var r1 = Vector256.Load(source + sourcePitch);
        var r2 = Vector256.Load(source + 2 * sourcePitch);
        var r3 = Vector256.Load(source + 3 * sourcePitch);
        var r4 = Vector256.Load(source + 4 * sourcePitch);
        var r5 = Vector256.Load(source + 5 * sourcePitch);
        var r6 = Vector256.Load(source + 6 * sourcePitch);
        var r7 = Vector256.Load(source + 7 * sourcePitch);
        var (a0, a1, a2, a3) = Transpose4x4(r0, r1, r2, r3);
        var (b0, b1, b2, b3) = Transpose4x4(r4, r5, r6, r7);
        Avx.Permute2x128(a0, b0, 0x20).Store(target);
        Avx.Permute2x128(a1, b1, 0x20).Store(target + targetPitch);
        Avx.Permute2x128(a2, b2, 0x20).Store(target + 2 * targetPitch);
        Avx.Permute2x128(a3, b3, 0x20).Store(target + 3 * targetPitch);
        Avx.Permute2x128(a0, b0, 0x31).Store(target + 4 * targetPitch);
        Avx.Permute2x128(a1, b1, 0x31).Store(target + 5 * targetPitch);
        Avx.Permute2x128(a2, b2, 0x31).Store(target + 6 * targetPitch);
        Avx.Permute2x128(a3, b3, 0x31).Store(target + 7 * targetPitch);
    }

    // Of each 128-bit half.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>) Transpose4x4(
        Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3)
    {
        var low01 = Avx.UnpackLow(r0, r1);
        var high01 = Avx.UnpackHigh(r0, r1);
        var low23 = Avx.UnpackLow(r2, r3);
        var high23 = Avx.UnpackHigh(r2, r3);
        return (Avx.Shuffle(low01, low23, 0x44), Avx.Shuffle(low01, low23, 0xEE), Avx.Shuffle(high01, high23, 0x44), Avx.Shuffle(high01, high23, 0xEE));
    }
}
