namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y[n] = table[labels[n]]. Labels must have been checked against the table's rows before they were uploaded.</summary>
    /// <param name="table">[K, C].</param>
    /// <param name="labels">Int32 [N], each in 0..K−1.</param>
    /// <param name="y">[N, C].</param>
    public void Embedding(Tensor table, Tensor labels, Tensor y)
    {
        const string op = nameof(Embedding);
        Check(op, table);
        Check(op, labels, DType.Int32);
        Expect(table.Shape.Rank == 2 && labels.Shape.Rank == 1, op, "a table [K, C] and labels Int32 [N]", table, labels);
        Written(op, "y", y, new Shape(labels.Shape.N, table.Shape.C));
        EmbeddingCore(table, labels, y);
    }

    /// <summary>dtable[k] (+)= Σ of dy[n] over the n with labels[n] = k, in the order of n; rows of no label get zero.</summary>
    public void EmbeddingBackward(Tensor dy, Tensor labels, Sink dtable)
    {
        const string op = nameof(EmbeddingBackward);
        Check(op, dy);
        Check(op, "the labels", labels, new Shape(dy.Shape.N), DType.Int32);
        Expect(dy.Shape.Rank == 2, op, "dy [N, C]", dy);
        if (dtable.Tensor is { } table)
        {
            Expect(table.Shape.Rank == 2, op, "dtable [K, C]", table);
            Written(op, "dtable", dtable, new Shape(table.Shape[0], dy.Shape.C));
            EmbeddingBackwardCore(dy, labels, dtable);
        }
    }

    /// <summary>Does <see cref="Embedding"/>, whose arguments have been checked.</summary>
    protected abstract void EmbeddingCore(Tensor table, Tensor labels, Tensor y);

    /// <summary>Does <see cref="EmbeddingBackward"/>, whose arguments have been checked.</summary>
    protected abstract void EmbeddingBackwardCore(Tensor dy, Tensor labels, Sink dtable);
}

public sealed partial class Tape
{
    /// <summary>Looks each label's row up.</summary>
    /// <param name="table">[K, C].</param>
    /// <param name="labels">Int32 [N], each in 0..K−1.</param>
    /// <returns>[N, C].</returns>
    /// <exception cref="ArgumentException">Wrong shapes or types.</exception>
    public Tensor Embedding(Tensor table, Tensor labels)
    {
        const string op = "Embedding";
        var y = Make(op, new Shape(labels.Shape.N, table.Shape.C));
        Device.Embedding(table, labels, y);
        return Record(op, y, [table], [], dy => Device.EmbeddingBackward(dy, labels, SinkOf(table)));
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void EmbeddingCore(Tensor table, Tensor labels, Tensor y) =>
        Note(nameof(Embedding), [Read(table, y.Bytes), Read(labels), Write(y)], $"{y.Shape} of {table.Shape}", (device, on) => device.Embedding(on[table], on[labels], on[y]));

    /// <inheritdoc/>
    protected override void EmbeddingBackwardCore(Tensor dy, Tensor labels, Sink dtable) =>
        Note(nameof(EmbeddingBackward), [Read(dy), Read(labels), Into(dtable)], $"{dy.Shape} to {dtable.Tensor!.Shape}",
            (device, on) => device.EmbeddingBackward(on[dy], on[labels], on[dtable]));
}
