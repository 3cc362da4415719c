using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>What the network is trained to say about x_t = √ᾱ·x_0 + √(1−ᾱ)·ε.</summary>
public enum Prediction
{
    /// <summary>The noise ε (Ho et al. 2020).</summary>
    Epsilon,

    /// <summary>The data x_0.</summary>
    X0,

    /// <summary>The velocity v = √ᾱ·ε − √(1−ᾱ)·x_0 (Salimans and Ho 2022).</summary>
    V,

    /// <summary>The mean μ of the posterior q(x_{t−1} | x_t, x_0).</summary>
    PosteriorMean,
}

/// <summary>
/// The two directions between a prediction and the data: what the network should say, and what x_0 its answer means.
/// Both are linear, so a pair of numbers for each timestep is all there is to them.
/// </summary>
public static class PredictionCoefficients
{
    /// <summary>The training target at a timestep as target = c·x_0 + d·ε.</summary>
    /// <param name="prediction">What the network predicts.</param>
    /// <param name="schedule">The forward process.</param>
    /// <param name="t">The timestep.</param>
    public static (double C, double D) Target(this Prediction prediction, NoiseSchedule schedule, int t)
    {
        double signal = Math.Sqrt(schedule.AlphaBar(t)), noise = Math.Sqrt(1 - schedule.AlphaBar(t));
        return prediction switch
        {
            Prediction.Epsilon => (0, 1),
            Prediction.X0 => (1, 0),
            Prediction.V => (-noise, signal),
            Prediction.PosteriorMean => (
                schedule.PosteriorX0Coefficient(t) + schedule.PosteriorXtCoefficient(t) * signal, schedule.PosteriorXtCoefficient(t) * noise),
            _ => throw Unknown(prediction),
        };
    }

    /// <summary>The x_0 that an output means, as x̂_0 = p·x_t + q·output.</summary>
    /// <param name="prediction">What the network predicts.</param>
    /// <param name="schedule">The forward process.</param>
    /// <param name="t">The timestep.</param>
    /// <exception cref="ConfigurationException">ε is predicted at a timestep without signal, where it says nothing about x_0.</exception>
    public static (double P, double Q) X0(this Prediction prediction, NoiseSchedule schedule, int t)
    {
        double signal = Math.Sqrt(schedule.AlphaBar(t)), noise = Math.Sqrt(1 - schedule.AlphaBar(t));
        return prediction switch
        {
            Prediction.Epsilon when signal == 0 => throw new ConfigurationException(
                $"The noise schedule leaves no signal at timestep {t}, and the model predicts ε, which says nothing about the image there. Train with v or x0 prediction, or sample with fewer, leading timesteps."),
            Prediction.Epsilon => (1 / signal, -noise / signal),
            Prediction.X0 => (0, 1),
            Prediction.V => (signal, -noise),
            Prediction.PosteriorMean => (
                -schedule.PosteriorXtCoefficient(t) / schedule.PosteriorX0Coefficient(t), 1 / schedule.PosteriorX0Coefficient(t)),
            _ => throw Unknown(prediction),
        };
    }

    /// <summary>The prediction of a hub scheduler's <c>prediction_type</c>: epsilon, sample or v_prediction.</summary>
    /// <exception cref="ConfigurationException">Another name.</exception>
    public static Prediction FromHub(string name) => name switch
    {
        "epsilon" => Prediction.Epsilon,
        "sample" => Prediction.X0,
        "v_prediction" => Prediction.V,
        _ => throw new ConfigurationException($"The prediction type is '{name}'; known are epsilon, sample (x0) and v_prediction."),
    };

    /// <summary>The hub's name of a prediction: see <see cref="FromHub"/>.</summary>
    /// <exception cref="ConfigurationException">The hub has no name for it.</exception>
    public static string HubName(this Prediction prediction) => prediction switch
    {
        Prediction.Epsilon => "epsilon",
        Prediction.X0 => "sample",
        Prediction.V => "v_prediction",
        _ => throw new ConfigurationException($"The hub's format has no name for {prediction} prediction; it knows epsilon, x0 and v. Such a model cannot be exported."),
    };

    private static ArgumentOutOfRangeException Unknown(Prediction prediction) => new(nameof(prediction), prediction, "unknown prediction");
}
