namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>
    /// Scaled dot-product attention of Vaswani et al. 2017 within each image and head: p = softmax(q·kᵀ/√d), y = p·v, with d = C/heads;
    /// head h owns channels h·d to (h+1)·d.
    /// </summary>
    /// <param name="q">[N, …, C]; the dimensions between are the T tokens.</param>
    /// <param name="k">Like q.</param>
    /// <param name="v">Like q.</param>
    /// <param name="y">Like q.</param>
    /// <param name="probabilities">[N, heads, T, T]: p, for the backward.</param>
    /// <param name="heads">A divisor of C.</param>
    public void Attention(Tensor q, Tensor k, Tensor v, Tensor y, Tensor probabilities, int heads)
    {
        const string op = nameof(Attention);
        Check(op, q, k, v);
        var squares = Probabilities(op, q, k, v, heads);
        Written(op, "y", y, q.Shape);
        Written(op, "the probabilities", probabilities, squares);
        AttentionCore(q, k, v, y, probabilities, heads);
    }

    /// <summary>The gradients of <see cref="Attention"/>. dv is written first, then dq, then dk, so that they may be one tensor.</summary>
    public void AttentionBackward(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor probabilities, Sink dq, Sink dk, Sink dv, int heads)
    {
        const string op = nameof(AttentionBackward);
        Check(op, q, k, v);
        Check(op, "the probabilities", probabilities, Probabilities(op, q, k, v, heads));
        Check(op, "dy", dy, q.Shape);
        if (Written(op, "dq", dq, q.Shape) | Written(op, "dk", dk, q.Shape) | Written(op, "dv", dv, q.Shape))
        {
            AttentionBackwardCore(dy, q, k, v, probabilities, dq, dk, dv, heads);
        }
    }

    /// <summary>Does <see cref="Attention"/>, whose arguments have been checked.</summary>
    protected abstract void AttentionCore(Tensor q, Tensor k, Tensor v, Tensor y, Tensor probabilities, int heads);

    /// <summary>Does <see cref="AttentionBackward"/>, whose arguments have been checked.</summary>
    protected abstract void AttentionBackwardCore(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor probabilities, Sink dq, Sink dk, Sink dv, int heads);

    /// <summary>The shape of a probability for each image, head, query and key.</summary>
    internal static Shape Probabilities(string op, Tensor q, Tensor k, Tensor v, int heads) =>
        q.Shape == k.Shape && q.Shape == v.Shape && q.Shape.Rank >= 3 && heads >= 1 && q.Shape.C % heads == 0
            ? new Shape(q.Shape.N, heads, q.Shape.Positions, q.Shape.Positions)
            : throw Unfit(op, $"q, k and v of one shape [N, …, C] whose channels {heads} heads divide", q, k, v);
}

public sealed partial class Tape
{
    /// <summary>Self-attention over an image's pixels: softmax(q·kᵀ/√d)·v for each image and head.</summary>
    /// <param name="q">[N, …, C].</param>
    /// <param name="k">[N, …, C].</param>
    /// <param name="v">[N, …, C].</param>
    /// <param name="heads">A divisor of C.</param>
    /// <returns>[N, …, C].</returns>
    /// <exception cref="ArgumentException">Different shapes, or heads that do not divide the channels.</exception>
    public Tensor Attention(Tensor q, Tensor k, Tensor v, int heads)
    {
        const string op = "Attention";
        var squares = Device.Probabilities(op, q, k, v, heads);
        var y = Make(op, q.Shape);
        var probabilities = Make(op + ".probabilities", squares);
        Device.Attention(q, k, v, y, probabilities, heads);
        return Record(op, y, [q, k, v], [probabilities], dy =>
        {
            // In the order in which they are written, should one tensor be several of the three.
            Sink dv = SinkOf(v), dq = SinkOf(q), dk = SinkOf(k);
            Device.AttentionBackward(dy, q, k, v, probabilities, dq, dk, dv, heads);
        });
    }
}

public sealed partial class ShapeDevice
{
    // Of each head, forward: q·kᵀ and p·v; backward: ∂y·vᵀ, pᵀ·∂y, ∂s·k and ∂sᵀ·q.
    /// <inheritdoc/>
    protected override void AttentionCore(Tensor q, Tensor k, Tensor v, Tensor y, Tensor probabilities, int heads) =>
        Note(nameof(Attention), [Read(q), Read(k), Read(v), Write(y), Write(probabilities)], What(q, heads),
            (device, on) => device.Attention(on[q], on[k], on[v], on[y], on[probabilities], heads), flops: 2 * Squares(q));

    /// <inheritdoc/>
    protected override void AttentionBackwardCore(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor probabilities, Sink dq, Sink dk, Sink dv, int heads) =>
        Note(nameof(AttentionBackward), [Read(dy), Read(q), Read(k), Read(v), Read(probabilities), Into(dq), Into(dk), Into(dv)], What(q, heads),
            (device, on) => device.AttentionBackward(on[dy], on[q], on[k], on[v], on[probabilities], on[dq], on[dk], on[dv], heads),
            flops: ((dq.IsWanted || dk.IsWanted ? 1 : 0) + (dq.IsWanted ? 1 : 0) + (dk.IsWanted ? 1 : 0) + (dv.IsWanted ? 1 : 0)) * Squares(q));

    /// <summary>Multiplications and additions of a product with a square of tokens, all heads together.</summary>
    private static long Squares(Tensor q) => 2 * q.Shape.Count * q.Shape.Positions;

    private static string What(Tensor q, int heads) => $"{q.Shape}, {heads} head{(heads == 1 ? "" : "s")}";
}
