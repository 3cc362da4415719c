using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>Adam, its learning rate, clipping and the moving average.</summary>
public sealed record OptimizerConfig
{
    /// <summary>The learning rate after warm-up (<c>--lr</c>).</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>Steps of linear warm-up: step s has rate·min(1, (s + 1)/warm_up).</summary>
    public long WarmUp { get; init; } = 100;

    /// <summary>β₁.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε, in PyTorch's place.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The largest global gradient norm; null does not clip.</summary>
    public double? MaxNorm { get; init; } = 1.0;

    /// <summary>The moving average's decay.</summary>
    public double EmaDecay { get; init; } = 0.999;

    /// <summary>Whether the decay starts low: min(decay, (1 + n)/(10 + n)).</summary>
    public bool EmaWarmUp { get; init; } = true;

    /// <summary>Bad steps (non-finite gradients) in a row after which the run stops as diverged.</summary>
    public int MaxBadSteps { get; init; } = 10;

    /// <summary>The learning rate of a step, counted from 0: it rises linearly over the warm-up, then stays.</summary>
    public double RateAt(long step) => LearningRate * Math.Min(1, (step + 1.0) / Math.Max(1, WarmUp));

    /// <summary>Adam's constants.</summary>
    public AdamOptions Adam() => new() { Beta1 = Beta1, Beta2 = Beta2, Epsilon = Epsilon, MaxNorm = MaxNorm ?? double.PositiveInfinity };

    /// <summary>Notes everything that is wrong.</summary>
    public void Check(ConfigurationRules rules)
    {
        rules.Require(LearningRate > 0 && double.IsFinite(LearningRate), "optimizer.learning_rate", LearningRate, "a finite number above 0");
        rules.AtLeast("optimizer.warm_up", WarmUp, 0);
        rules.Require(Beta1 is >= 0 and < 1, "optimizer.beta1", Beta1, "at least 0 and below 1");
        rules.Require(Beta2 is >= 0 and < 1, "optimizer.beta2", Beta2, "at least 0 and below 1");
        rules.Require(Epsilon > 0 && double.IsFinite(Epsilon), "optimizer.epsilon", Epsilon, "a finite number above 0");
        rules.Require(MaxNorm is null || (MaxNorm > 0 && double.IsFinite(MaxNorm.Value)), "optimizer.max_norm", MaxNorm, "a finite number above 0, or null for no clipping");
        rules.Require(EmaDecay is >= 0 and < 1, "optimizer.ema_decay", EmaDecay, "at least 0 and below 1");
        rules.AtLeast("optimizer.max_bad_steps", MaxBadSteps, 1);
    }
}
