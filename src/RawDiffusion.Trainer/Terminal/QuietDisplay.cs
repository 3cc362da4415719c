namespace RawDiffusion.Trainer.Terminal;

/// <summary>Notes of what the user should know, and nothing else.</summary>
internal sealed class QuietDisplay : ITrainingDisplay
{
    /// <inheritdoc/>
    public bool During(Func<bool> training) => training();

    /// <inheritdoc/>
    public void Noticed(string text) => Talk.Warning($"note: {text}");
}
