namespace RawDiffusion.Training;

/// <summary>What a step reports.</summary>
/// <param name="Losses">The objective's losses; the first is minimised.</param>
/// <param name="GradNorm">The gradient's global norm before clipping; not finite where the step was skipped.</param>
public readonly record struct StepResult(IReadOnlyList<LossValue> Losses, double GradNorm)
{
    /// <summary>What was minimised.</summary>
    public double Loss => Losses[0].Value;

    /// <summary>Whether all numbers are the same.</summary>
    public bool Equals(StepResult other) => GradNorm.Equals(other.GradNorm) && Losses.SequenceEqual(other.Losses);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(GradNorm, Losses.Count, Loss);
}
