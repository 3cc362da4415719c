using RawDiffusion.Diffusion;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training;

/// <summary>The forward process of a configuration, and what the network predicts of it.</summary>
/// <param name="Schedule">The noise schedule.</param>
/// <param name="Prediction">What the network's output means.</param>
public sealed record DiffusionProcess(NoiseSchedule Schedule, Prediction Prediction)
{
    /// <summary>The process that a configuration describes.</summary>
    /// <exception cref="Core.ConfigurationException">A schedule or prediction that there is not.</exception>
    public static DiffusionProcess From(DiffusionConfig config) => new(
        NoiseSchedule.FromHub(config.BetaSchedule, config.Timesteps, config.BetaStart, config.BetaEnd, config.TrainedBetas?.ToArray(), config.RescaleZeroSnr),
        PredictionCoefficients.FromHub(config.Prediction));
}
