using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel AttentionSoftmax => field ??= Kernel("attention", "attention_softmax");

    private CudaKernel AttentionSoftmaxBackward => field ??= Kernel("attention", "attention_softmax_backward");

    /// <inheritdoc/>
    protected override void AttentionCore(Tensor q, Tensor k, Tensor v, Tensor y, Tensor probabilities, int heads)
    {
        var extents = new AttentionExtents(q.Shape, heads);
        TokensByTokens(extents, extents.Scale, q, k, probabilities.Address);
        LaunchOverRows(AttentionSoftmax, probabilities.Shape.Rows, probabilities, extents.Tokens, (long)probabilities.Shape.Rows);
        TokensByChannels(extents, false, 1, probabilities.Address, v, Sink.Into(y));
    }

    /// <inheritdoc/>
    protected override void AttentionBackwardCore(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor probabilities, Sink dq, Sink dk, Sink dv, int heads)
    {
        var extents = new AttentionExtents(q.Shape, heads);
        // Only dq and dk come by way of the scores.
        bool byScores = dq.IsWanted || dk.IsWanted;
        using var scores = byScores ? Rent(probabilities.Bytes, "attention's ∂scores") : default;
        if (byScores)
        {
            TokensByTokens(extents, 1, dy, v, scores.Address);
        }
        TokensByChannels(extents, true, 1, probabilities.Address, dy, dv);
        if (!byScores)
        {
            return;
        }
        LaunchOverRows(AttentionSoftmaxBackward, probabilities.Shape.Rows, scores, probabilities, extents.Tokens, (long)probabilities.Shape.Rows);
        TokensByChannels(extents, false, extents.Scale, scores.Address, k, dq);
        TokensByChannels(extents, true, extents.Scale, scores.Address, q, dk);
    }

    private void LaunchOverRows(CudaKernel kernel, long rows, params ReadOnlySpan<KernelArgument> arguments)
    {
        const int warps = 4;
        Launch(kernel, checked((int)CeilingDivide(rows, warps)), warps * 32, 0, arguments);
    }

    /// <summary>squares = scale · a·bᵀ within each image and head.</summary>
    private void TokensByTokens(in AttentionExtents e, float scale, Tensor a, Tensor b, nint squares)
    {
        for (int i = 0; i < e.Batches; i++)
        {
            nint at = e.Offset(i), square = e.SquareOffset(i);
            Blas.MultiplyBatch(
                false, true, e.Tokens, e.Tokens, e.Width, scale, a.Address + at, e.Channels, e.Step, b.Address + at, e.Channels, e.Step,
                0, squares + square, e.Tokens, e.SquareStep, e.BatchSize);
        }
    }

    /// <summary>c (+)= scale · squares·b, or squaresᵀ·b, within each image and head, if c is wanted.</summary>
    private void TokensByChannels(in AttentionExtents e, bool transposed, float scale, nint squares, Tensor b, Sink c)
    {
        if (c.Tensor is not { } target)
        {
            return;
        }
        for (int i = 0; i < e.Batches; i++)
        {
            nint at = e.Offset(i), square = e.SquareOffset(i);
            Blas.MultiplyBatch(
                transposed, false, e.Tokens, e.Width, e.Tokens, scale, squares + square, e.Tokens, e.SquareStep, b.Address + at, e.Channels, e.Step,
                c.Accumulate ? 1 : 0, target.Address + at, e.Channels, e.Step, e.BatchSize);
        }
    }

    /// <summary>
    /// The products of all images and heads, as few batches of equally spaced ones: a batch of all images for each head, or of all heads for
    /// each image, whichever makes fewer. Offsets are in bytes, steps in elements.
    /// </summary>
    private readonly struct AttentionExtents(Shape shape, int heads)
    {
        public int Tokens => shape.Positions;

        public int Channels => shape.C;

        public int Width => shape.C / heads;

        public float Scale => (float)(1 / Math.Sqrt(Width));

        public int Batches => BatchIsHead ? heads : shape.N;

        public int BatchSize => BatchIsHead ? shape.N : heads;

        public long Step => BatchIsHead ? ImageStep : Width;

        public long SquareStep => BatchIsHead ? heads * Square : Square;

        private bool BatchIsHead => heads <= shape.N;

        private long ImageStep => (long)Tokens * Channels;

        private long Square => (long)Tokens * Tokens;

        public nint Offset(int batch) => (nint)(batch * (BatchIsHead ? Width : ImageStep) * sizeof(float));

        public nint SquareOffset(int batch) => (nint)(batch * (BatchIsHead ? Square : heads * Square) * sizeof(float));
    }
}
