using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    // Noise is drawn into a buffer of this many numbers, which never leaves the L1 cache. A multiple of 4: a piece begins with a block.
    private const int Piece = 1024;
    private const int PiecesPerTask = 16;

    /// <inheritdoc/>
    public override void FillNormal(Tensor y, in RandomStream stream)
    {
        var numbers = new RandomNumbers(stream);
        long perSample = y.Shape.Count / y.Shape.N;
        float* to = Floats(y);
        ForPieces(y.Shape, (sample, first, count) => numbers.Normals(sample, first, count, to + sample * perSample + first));
    }

    /// <inheritdoc/>
    public override void AddNoise(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        var numbers = noise is null ? new RandomNumbers(stream) : default;
        long perSample = x0.Shape.Count / x0.Shape.N;
        float* from = Floats(x0), given = FloatsOrNull(noise), abcd = Floats(coefficients), toXt = Floats(xt), toTarget = Floats(target);
        ForPieces(x0.Shape, (sample, first, count) =>
        {
            float* drawn = stackalloc float[Piece];
            long at = sample * perSample + first;
            float* epsilon = given == null ? drawn : given + at;
            if (given == null)
            {
                numbers.Normals(sample, first, count, drawn);
            }
            float* k = abcd + 4L * sample;
            Elementwise.Apply(new WeightedSum(k[0], k[1]), from + at, epsilon, epsilon, toXt + at, count);
            Elementwise.Apply(new WeightedSum(k[2], k[3]), from + at, epsilon, epsilon, toTarget + at, count);
        });
    }

    /// <inheritdoc/>
    public override void DenoiseUpdate(
        Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next)
    {
        float* k = Floats(coefficients);
        var (p, q, clip, u, v, w, s) = (k[0], k[1], k[2], k[3], k[4], k[5], k[6]);
        bool draws = s != 0 && noise is null;
        var numbers = draws ? new RandomNumbers(stream) : default;
        long perSample = x.Shape.Count / x.Shape.N;
        float* from = Floats(x), said = Floats(output), previous = FloatsOrNull(previousX0), given = FloatsOrNull(noise);
        float* toX0 = FloatsOrNull(x0), to = Floats(next);
        ForPieces(x.Shape, (sample, first, count) =>
        {
            float* buffer = stackalloc float[Piece];
            long at = sample * perSample + first;
            float* estimate = toX0 == null ? buffer : toX0 + at;
            Elementwise.Apply(new ClippedSum(p, q, clip), from + at, said + at, said + at, estimate, count);
            Elementwise.Apply(new WeightedSum(u, v), from + at, estimate, estimate, to + at, count);
            if (previous != null)
            {
                Elementwise.Apply(new WeightedSum(1, w), to + at, previous + at, previous + at, to + at, count);
            }
            if (s != 0)
            {
                if (draws)
                {
                    numbers.Normals(sample, first, count, buffer);
                }
                float* z = draws ? buffer : given + at;
                Elementwise.Apply(new WeightedSum(1, s), to + at, z, z, to + at, count);
            }
        });
    }

    /// <inheritdoc/>
    public override void PixelsToReal(Tensor pixels, Tensor y)
    {
        byte* from = (byte*)pixels.Address;
        float* to = Floats(y);
        InChunks(pixels.Shape.Count, 1 << 16, (first, count) => PixelsToReal(from + first, to + first, count));
    }

    /// <summary>
    /// Calls <paramref name="body"/>(sample, first element, elements) for pieces of at most <see cref="Piece"/> elements of each sample, on all workers.
    /// </summary>
    private void ForPieces(Shape shape, Action<int, long, int> body)
    {
        long perSample = shape.Count / shape.N, pieces = (perSample + Piece - 1) / Piece;
        InChunks(shape.N * pieces, PiecesPerTask, (first, count) =>
        {
            for (long i = first; i < first + count; i++)
            {
                long start = i % pieces * Piece;
                body((int)(i / pieces), start, (int)Math.Min(Piece, perSample - start));
            }
        });
    }

    // (2·pixel − 255)/255 is pixel/127.5 − 1 with a single rounding.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PixelsToReal(byte* from, float* to, long count)
    {
        var bytes = stackalloc byte[Lanes.Count];
        for (long i = 0; i < count; i += Lanes.Count)
        {
            long rest = count - i;
            byte* source = from + i;
            if (rest < Lanes.Count)
            {
                Unsafe.CopyBlockUnaligned(bytes, source, (uint)rest);
                source = bytes;
            }
            var words = Vector256.WidenLower(Vector128.Load(source).ToVector256());
            var pixel = Vector512.WidenLower(words.ToVector512()).AsInt32();
            Lanes.Store(Vector512.ConvertToSingle(pixel + pixel - Vector512.Create(255)) / Vector512.Create(255f), to + i, rest);
        }
    }

    private readonly struct ClippedSum(float f, float g, float limit) : IElementwise
    {
        // The native forms return their second argument where one is NaN: a NaN stays visible.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Apply(Vector512<float> a, Vector512<float> b, Vector512<float> c)
        {
            var sum = Vector512.FusedMultiplyAdd(Vector512.Create(f), a, Vector512.Create(g) * b);
            return Vector512.MaxNative(Vector512.Create(-limit), Vector512.MinNative(Vector512.Create(limit), sum));
        }
    }
}
