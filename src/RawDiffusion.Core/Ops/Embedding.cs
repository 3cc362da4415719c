namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y[n] = table[labels[n]]. Labels must have been checked against the table's rows before they were uploaded.</summary>
    /// <param name="table">[K, C].</param>
    /// <param name="labels">Int32 [N], each in 0..K−1.</param>
    /// <param name="y">[N, C].</param>
    public abstract void Embedding(Tensor table, Tensor labels, Tensor y);

    /// <summary>dtable[k] (+)= Σ of dy[n] over the n with labels[n] = k, in the order of n; rows of no label get zero.</summary>
    public abstract void EmbeddingBackward(Tensor dy, Tensor labels, Sink dtable);
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
        Check(op, table);
        Check(op, labels, DType.Int32);
        Expect(table.Shape.Rank == 2 && labels.Shape.Rank == 1, op, "a table [K, C] and labels Int32 [N]", table, labels);
        var y = Make(op, new Shape(labels.Shape.N, table.Shape.C));
        Device.Embedding(table, labels, y);
        return Record(op, y, [table], [], dy => Device.EmbeddingBackward(dy, labels, SinkOf(table)));
    }
}
