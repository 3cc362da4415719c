using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// The forward process that a network was trained on, and what it predicts of it. Both directions between a prediction and the data are
/// linear, so a pair of numbers for each timestep is all there is to them.
/// </summary>
/// <param name="Schedule">The noise level of each timestep.</param>
/// <param name="Prediction">What the network's output means.</param>
public sealed record DiffusionProcess(NoiseSchedule Schedule, Prediction Prediction = Prediction.Epsilon)
{
    /// <summary>The process of Ho et al. 2020, β rising linearly: see <see cref="NoiseSchedule.Linear"/>.</summary>
    /// <param name="steps">T.</param>
    /// <param name="prediction">What the network predicts.</param>
    public static DiffusionProcess Linear(int steps = 1000, Prediction prediction = Prediction.Epsilon) => new(NoiseSchedule.Linear(steps), prediction);

    /// <summary>The process of Nichol and Dhariwal 2021: see <see cref="NoiseSchedule.Cosine"/>.</summary>
    /// <param name="steps">T.</param>
    /// <param name="prediction">What the network predicts.</param>
    public static DiffusionProcess Cosine(int steps = 1000, Prediction prediction = Prediction.Epsilon) => new(NoiseSchedule.Cosine(steps), prediction);

    /// <summary>The training target at a timestep as target = c·x_0 + d·ε.</summary>
    /// <param name="t">The timestep.</param>
    public (double C, double D) Target(int t)
    {
        var level = Schedule.Level(t);
        switch (Prediction)
        {
            case Prediction.Epsilon:
                return (0, 1);
            case Prediction.X0:
                return (1, 0);
            case Prediction.V:
                return (-level.Sigma, level.Alpha);
            case Prediction.PosteriorMean:
                var posterior = Schedule.Posterior(t);
                return (posterior.X0Coefficient + posterior.XtCoefficient * level.Alpha, posterior.XtCoefficient * level.Sigma);
            default:
                throw Unknown();
        }
    }

    /// <summary>The x_0 that an output means, as x̂_0 = p·x_t + q·output.</summary>
    /// <param name="t">The timestep.</param>
    /// <exception cref="ConfigurationException">ε is predicted at a timestep without signal, where it says nothing about x_0.</exception>
    public (double P, double Q) X0(int t)
    {
        var level = Schedule.Level(t);
        switch (Prediction)
        {
            case Prediction.Epsilon when level.SignalVariance == 0:
                throw new ConfigurationException(
                    $"The noise schedule leaves no signal at timestep {t}, and the model predicts ε, which says nothing about the image there. " +
                    "Train with v or x0 prediction, or sample with fewer, leading timesteps.");
            case Prediction.Epsilon:
                return (1 / level.Alpha, -level.Sigma / level.Alpha);
            case Prediction.X0:
                return (0, 1);
            case Prediction.V:
                return (level.Alpha / level.Variance, -level.Sigma / level.Variance);
            case Prediction.PosteriorMean:
                var posterior = Schedule.Posterior(t);
                return (-posterior.XtCoefficient / posterior.X0Coefficient, 1 / posterior.X0Coefficient);
            default:
                throw Unknown();
        }
    }

    private InvalidOperationException Unknown() => new($"unknown prediction {Prediction}");
}
