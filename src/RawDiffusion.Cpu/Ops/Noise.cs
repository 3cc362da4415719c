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
    protected override void FillNormalCore(Tensor y, in RandomStream stream)
    {
        var numbers = new RandomNumbers(stream);
        long perSample = y.Shape.Count / y.Shape.N;
        float* to = Floats(y);
        ForPieces(y.Shape, (sample, first, count) => numbers.Normals(sample, first, count, to + sample * perSample + first));
    }

    /// <inheritdoc/>
    protected override void AddNoiseCore(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        var forward = new ForwardProcess(coefficients, noise, stream, xt, target);
        long perSample = x0.Shape.Count / x0.Shape.N;
        float* from = Floats(x0);
        ForPieces(x0.Shape, (sample, first, count) => forward.Run(sample, first, count, from + sample * perSample + first));
    }

    /// <inheritdoc/>
    protected override void AddNoiseToPixelsCore(
        Tensor pixels, Tensor picks, int left, int width, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        var forward = new ForwardProcess(coefficients, noise, stream, xt, target);
        long perSample = xt.Shape.Count / xt.Shape.N;
        int channels = xt.Shape.C, row = xt.Shape[2] * channels, begin = left * channels, end = (left + width) * channels;
        byte* images = (byte*)pixels.Address;
        int* picked = (int*)picks.Address;
        ForPieces(xt.Shape, (sample, first, count) =>
        {
            byte* mirrored = stackalloc byte[Piece];
            float* x0 = stackalloc float[Piece];
            byte* image = images + picked[2 * sample] * perSample, from = image + first;
            if (picked[2 * sample + 1] != 0)
            {
                for (int i = 0; i < count; i++)
                {
                    // Column x of the image, counted from its border, is column width − 1 − x of its mirror image.
                    int inRow = (int)((first + i) % row), channel = inRow % channels;
                    bool inside = inRow >= begin && inRow < end;
                    mirrored[i] = image[first + i + (inside ? begin + end - channels - 2 * (inRow - channel) : 0)];
                }
                from = mirrored;
            }
            PixelsToReal(from, x0, count);
            forward.Run(sample, first, count, x0);
        });
    }

    /// <inheritdoc/>
    protected override void DenoiseUpdateCore(
        Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next)
    {
        float* k = Floats(coefficients);
        float p = k[(int)DenoiseCoefficient.P], q = k[(int)DenoiseCoefficient.Q], clip = k[(int)DenoiseCoefficient.Clip];
        float u = k[(int)DenoiseCoefficient.U], v = k[(int)DenoiseCoefficient.V], w = k[(int)DenoiseCoefficient.W], s = k[(int)DenoiseCoefficient.S];
        bool draws = s != 0 && noise is null;
        var numbers = draws ? new RandomNumbers(stream) : default;
        long perSample = x.Shape.Count / x.Shape.N;
        float* from = Floats(x), said = Floats(output), previous = FloatsOrNull(previousX0), given = FloatsOrNull(noise);
        float* toX0 = FloatsOrNull(x0), to = Floats(next);
        ForPieces(x.Shape, (sample, first, count) =>
        {
            float* buffer = stackalloc float[Piece];
            long at = sample * perSample + first;
            // Room of its own: x̂0 may take the place of the one before, which is yet to be read.
            float* estimate = stackalloc float[Piece];
            Elementwise.Apply(new ClippedSum(p, q, clip), from + at, said + at, said + at, estimate, count);
            Elementwise.Apply(new WeightedSum(u, v), from + at, estimate, estimate, to + at, count);
            if (previous != null)
            {
                Elementwise.Apply(new WeightedSum(1, w), to + at, previous + at, previous + at, to + at, count);
            }
            if (toX0 != null)
            {
                Unsafe.CopyBlockUnaligned(toX0 + at, estimate, (uint)(count * sizeof(float)));
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
        byte* bytes = stackalloc byte[Lanes.Count];
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

    /// <summary>q_sample with the network's target on pieces of samples.</summary>
    private sealed class ForwardProcess(Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        private readonly RandomNumbers _numbers = noise is null ? new RandomNumbers(stream) : default;
        private readonly float* _abcd = Floats(coefficients), _given = FloatsOrNull(noise), _xt = Floats(xt), _target = Floats(target);
        private readonly long _perSample = xt.Shape.Count / xt.Shape.N;

        public void Run(int sample, long first, int count, float* x0)
        {
            float* drawn = stackalloc float[Piece];
            long at = sample * _perSample + first;
            float* epsilon = _given == null ? drawn : _given + at, k = _abcd + 4L * sample;
            if (_given == null)
            {
                _numbers.Normals(sample, first, count, drawn);
            }
            Elementwise.Apply(new WeightedSum(k[0], k[1]), x0, epsilon, epsilon, _xt + at, count);
            Elementwise.Apply(new WeightedSum(k[2], k[3]), x0, epsilon, epsilon, _target + at, count);
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
