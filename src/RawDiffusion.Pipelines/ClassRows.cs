using RawDiffusion.Core;

namespace RawDiffusion.Pipelines;

/// <summary>
/// What the rows of a network's class embedding stand for: a class each, but for one that may stand for "no class", which classifier-free
/// guidance needs (Ho and Salimans 2022).
/// </summary>
/// <param name="Rows">How many rows there are; 0 for an unconditional network.</param>
/// <param name="NoClass">The row of "no class"; null where every row is a class.</param>
/// <param name="IsTrained">Whether training dropped labels, without which the row of "no class" is as it began.</param>
public sealed record ClassRows(int Rows, int? NoClass = null, bool IsTrained = true)
{
    /// <summary>How many classes there are.</summary>
    public int Classes => Rows - (NoClass is null ? 0 : 1);

    /// <summary>Whether samples can be guided.</summary>
    public bool CanGuide => WhyNotGuided is null;

    /// <summary>Why samples cannot be guided, as a sentence; null where they can.</summary>
    public string? WhyNotGuided => this switch
    {
        { Rows: 0 } => "this model was trained without classes",
        { NoClass: null } => $"it is not known which of the {Rows} rows of the model's class embedding stands for no class, if one does (a model_index.json " +
            $"says so with \"no_class\": row)",
        { IsTrained: false } => "this model was trained without dropping labels, so it has not learned what no class looks like",
        _ => null,
    };

    /// <summary>The rows as this program's training has them: the last one stands for "no class".</summary>
    /// <param name="embeddings">Rows of the class embedding; null for an unconditional network.</param>
    /// <param name="labelDropout">The share of labels that training drops.</param>
    public static ClassRows Trained(int? embeddings, double labelDropout) => new(embeddings ?? 0, embeddings is { } rows ? rows - 1 : null, labelDropout > 0);

    /// <summary>The row of a class.</summary>
    /// <param name="label">0 … <see cref="Classes"/> − 1.</param>
    public int RowOf(int label) => label < NoClass || NoClass is null ? label : label + 1;

    /// <summary>Refuses guidance that is not possible; a scale of 1 always is.</summary>
    /// <param name="scale">s in ε∅ + s·(ε_y − ε∅).</param>
    /// <exception cref="ConfigurationException">The model has no "no class", or has not learned it.</exception>
    public void CheckGuidance(double scale)
    {
        if (scale != 1 && WhyNotGuided is { } why)
        {
            throw new ConfigurationException($"Guidance {ConfigurationRules.Show(scale)} was asked for, but {why}. Ask for guidance 1, which is none.");
        }
    }
}
