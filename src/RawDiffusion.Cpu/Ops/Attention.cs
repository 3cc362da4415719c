using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void AttentionCore(Tensor q, Tensor k, Tensor v, Tensor y, Tensor probabilities, int heads)
    {
        var extents = new AttentionExtents(q.Shape, heads);
        int tokens = extents.Tokens;
        float* p = Floats(probabilities);
        for (int head = 0; head < heads; head++)
        {
            long at = (long)head * extents.Width, square = (long)head * tokens * tokens;
            _gemm.Multiply(extents.TokensByTokens(extents.Scale), Floats(q) + at, Floats(k) + at, p + square);
        }
        InChunks(probabilities.Shape.Rows, RowsPerTask(tokens), (row, rows) => Softmax(p + row * tokens, rows, tokens));
        for (int head = 0; head < heads; head++)
        {
            long at = (long)head * extents.Width, square = (long)head * tokens * tokens;
            _gemm.Multiply(extents.TokensByChannels(false, 1, false), p + square, Floats(v) + at, Floats(y) + at);
        }
    }

    /// <inheritdoc/>
    protected override void AttentionBackwardCore(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor probabilities, Sink dq, Sink dk, Sink dv, int heads)
    {
        var extents = new AttentionExtents(q.Shape, heads);
        int tokens = extents.Tokens;
        float* p = Floats(probabilities);
        // Only dq and dk come by way of the scores.
        using var scores = dq.IsWanted || dk.IsWanted ? new Tensor(this, probabilities.Shape, null, "attention's ∂scores") : null;
        float* ds = FloatsOrNull(scores);
        for (int head = 0; head < heads; head++)
        {
            long at = (long)head * extents.Width, square = (long)head * tokens * tokens;
            if (ds != null)
            {
                _gemm.Multiply(extents.TokensByTokens(1), Floats(dy) + at, Floats(v) + at, ds + square);
            }
            MultiplyInto(dv, at, extents.TokensByChannels(true, 1, dv.Accumulate), p + square, dy);
        }
        if (ds == null)
        {
            return;
        }
        InChunks(probabilities.Shape.Rows, RowsPerTask(tokens), (row, rows) => SoftmaxBackward(p + row * tokens, ds + row * tokens, rows, tokens));
        for (int head = 0; head < heads; head++)
        {
            long at = (long)head * extents.Width, square = (long)head * tokens * tokens;
            MultiplyInto(dq, at, extents.TokensByChannels(false, extents.Scale, dq.Accumulate), ds + square, k);
            MultiplyInto(dk, at, extents.TokensByChannels(true, extents.Scale, dk.Accumulate), ds + square, q);
        }
    }

    // The heads take turns with one scratch.
    private void RehearseAttention(OpCall call, CpuScratch scratch)
    {
        var extents = new AttentionExtents(call["q"].Shape, call["probabilities"].Shape[1]);
        _gemm.Rehearse(extents.TokensByTokens(1), 0, scratch);
        _gemm.Rehearse(extents.TokensByChannels(false, 1, false), 0, scratch);
    }

    private void RehearseAttentionBackward(OpCall call, CpuScratch scratch, Rehearsal rehearsal)
    {
        var probabilities = call["probabilities"];
        var extents = new AttentionExtents(call["q"].Shape, probabilities.Shape[1]);
        bool byScores = call.Find("dq") is not null || call.Find("dk") is not null;
        using var scores = rehearsal.Rent(byScores ? probabilities.Bytes : 0);
        if (byScores)
        {
            _gemm.Rehearse(extents.TokensByTokens(1), 0, scratch);
        }
        if (call.Find("dq") is not null)
        {
            _gemm.Rehearse(extents.TokensByChannels(false, 1, false), 0, scratch);
        }
        if (call.Find("dk") is not null || call.Find("dv") is not null)
        {
            _gemm.Rehearse(extents.TokensByChannels(true, 1, false), 0, scratch);
        }
    }

    /// <summary>One head's part of a gradient, if it is wanted; the head's channels begin at <paramref name="at"/>.</summary>
    private void MultiplyInto(Sink sink, long at, in MatrixProduct product, float* squares, Tensor b)
    {
        if (sink.Tensor is { } target)
        {
            _gemm.Multiply(product, squares, Floats(b) + at, Floats(target) + at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Softmax(float* rows, long count, long width)
    {
        // The incomplete vector at a row's end is loaded first and stays in its register.
        long full = width & -Lanes.Count, rest = width - full;
        for (long row = 0; row < count; row++, rows += width)
        {
            var mask = Lanes.Mask(rest);
            var last = Vector512.ConditionalSelect(mask, Lanes.Load(rows + full, rest), Vector512.Create(float.NegativeInfinity));
            var largest = last;
            for (long i = 0; i < full; i += Lanes.Count)
            {
                largest = Vector512.Max(largest, Vector512.Load(rows + i));
            }
            var shift = Vector512.Create(Largest(largest));
            last = Vector512.ConditionalSelect(mask, VectorMath.Exp(last - shift), Vector512<float>.Zero);
            var sum = last;
            for (long i = 0; i < full; i += Lanes.Count)
            {
                var e = VectorMath.Exp(Vector512.Load(rows + i) - shift);
                e.Store(rows + i);
                sum += e;
            }
            var reciprocal = Vector512.Create(1 / Vector512.Sum(sum));
            for (long i = 0; i < full; i += Lanes.Count)
            {
                (Vector512.Load(rows + i) * reciprocal).Store(rows + i);
            }
            Lanes.Store(last * reciprocal, rows + full, rest);
        }
    }

    /// <summary>ds ← p·(ds − Σ p·ds), row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SoftmaxBackward(float* p, float* ds, long count, long width)
    {
        long full = width & -Lanes.Count, rest = width - full;
        for (long row = 0; row < count; row++, p += width, ds += width)
        {
            var (lastP, lastDs) = (Lanes.Load(p + full, rest), Lanes.Load(ds + full, rest));
            var dots = lastP * lastDs;
            for (long i = 0; i < full; i += Lanes.Count)
            {
                dots = Vector512.FusedMultiplyAdd(Vector512.Load(p + i), Vector512.Load(ds + i), dots);
            }
            var dot = Vector512.Create(Vector512.Sum(dots));
            for (long i = 0; i < full; i += Lanes.Count)
            {
                (Vector512.Load(p + i) * (Vector512.Load(ds + i) - dot)).Store(ds + i);
            }
            Lanes.Store(lastP * (lastDs - dot), ds + full, rest);
        }
    }

    private static float Largest(Vector512<float> lanes)
    {
        var four = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        var two = Vector128.Max(four.GetLower(), four.GetUpper());
        return MathF.Max(MathF.Max(two[0], two[1]), MathF.Max(two[2], two[3]));
    }

    /// <summary>The products of one head over all images; head h's channels and probabilities start at h·Width and h·Tokens².</summary>
    private readonly struct AttentionExtents(Shape shape, int heads)
    {
        public int Tokens => shape.Positions;

        public int Width => shape.C / heads;

        public float Scale => (float)(1 / Math.Sqrt(Width));

        private long ImageStride => (long)Tokens * shape.C;

        private long SquareStride => (long)heads * Tokens * Tokens;

        /// <summary>[Tokens, Tokens] = scale · a·bᵀ for a and b with Width channels of each token.</summary>
        public MatrixProduct TokensByTokens(float scale) => new(Tokens, Tokens, Width, TransposeB: true)
        {
            Alpha = scale,
            LeadingA = shape.C,
            LeadingB = shape.C,
            Batch = shape.N,
            StrideA = ImageStride,
            StrideB = ImageStride,
            StrideC = SquareStride,
        };

        /// <summary>[Tokens, Width] (+)= scale · op(a)·b for a square and b with Width channels of each token.</summary>
        public MatrixProduct TokensByChannels(bool transposed, float scale, bool accumulate) => new(Tokens, Width, Tokens, TransposeA: transposed)
        {
            Alpha = scale,
            Beta = accumulate ? 1 : 0,
            LeadingB = shape.C,
            LeadingC = shape.C,
            Batch = shape.N,
            StrideA = SquareStride,
            StrideB = ImageStride,
            StrideC = ImageStride,
        };
    }
}
