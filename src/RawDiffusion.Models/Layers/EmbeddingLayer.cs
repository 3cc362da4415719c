using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>A table of learned rows: the class embedding.</summary>
public sealed class EmbeddingLayer : Module
{
    private readonly Parameter _table;

    /// <summary>Declares <c>name.weight</c> [rows, width].</summary>
    public EmbeddingLayer(string name, int rows, int width) => _table = Declare(name + ".weight", new Shape(rows, width), Initialization.Normal);

    /// <summary>See <see cref="Tape.Embedding"/>.</summary>
    public Tensor Forward(Tape tape, Tensor labels) => tape.Embedding(_table.Value, labels);
}
