using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RawDiffusion.Cpu;

/// <summary>A function of up to three elements at the same place; inputs it does not use are any readable memory.</summary>
internal interface IElementwise
{
    /// <summary>The function on 16 places at once.</summary>
    Vector512<float> Apply(Vector512<float> a, Vector512<float> b, Vector512<float> c);
}

/// <summary>y[i] = f(a[i], b[i], c[i]): the loop that all elementwise ops share. The output may be one of the inputs.</summary>
internal static unsafe class Elementwise
{
    // 128 KiB of each array per task.
    private const int Chunk = 1 << 15;

    /// <summary>On all workers.</summary>
    public static void Apply<TFunction>(ThreadTeam workers, TFunction function, float* a, float* b, float* c, float* y, long count)
        where TFunction : struct, IElementwise =>
        workers.Run((int)((count + Chunk - 1) / Chunk), (task, _) =>
        {
            long start = (long)task * Chunk;
            Apply(function, a + start, b + start, c + start, y + start, Math.Min(Chunk, count - start));
        });

    /// <summary>On this thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply<TFunction>(TFunction function, float* a, float* b, float* c, float* y, long count) where TFunction : struct, IElementwise
    {
        long full = count & -Lanes.Count, rest = count - full;
        for (long i = 0; i < full; i += Lanes.Count)
        {
            function.Apply(Vector512.Load(a + i), Vector512.Load(b + i), Vector512.Load(c + i)).Store(y + i);
        }
        if (rest > 0)
        {
            Lanes.Store(function.Apply(Lanes.Load(a + full, rest), Lanes.Load(b + full, rest), Lanes.Load(c + full, rest)), y + full, rest);
        }
    }
}

/// <summary>f·a + g·b.</summary>
internal readonly struct WeightedSum(float f, float g) : IElementwise
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Apply(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(Vector512.Create(f), a, Vector512.Create(g) * b);
}

/// <summary>f·a.</summary>
internal readonly struct Scaled(float f) : IElementwise
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Apply(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.Create(f) * a;
}
