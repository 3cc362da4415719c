using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>The diffusion process, what the network predicts and how the loss weighs it: the section <c>diffusion</c> of a run's configuration.</summary>
public sealed record DiffusionConfig
{
    /// <summary>T.</summary>
    public int Timesteps { get; init; } = 1000;

    /// <summary>The beta schedule.</summary>
    public BetaSchedule BetaSchedule { get; init; }

    /// <summary>β_1, where the schedule has it.</summary>
    public double BetaStart { get; init; } = 1e-4;

    /// <summary>β_T, where the schedule has it.</summary>
    public double BetaEnd { get; init; } = 0.02;

    /// <summary>Explicit betas (from a scheduler of diffusers); they replace the schedule.</summary>
    public IReadOnlyList<double>? TrainedBetas { get; init; }

    /// <summary>Whether betas are rescaled so that ᾱ_T = 0.</summary>
    public bool RescaleZeroSnr { get; init; }

    /// <summary>What the network predicts.</summary>
    public Prediction Prediction { get; init; }

    /// <summary>What each timestep's error counts.</summary>
    public LossWeighting LossWeighting { get; init; }

    /// <summary>γ of min_snr.</summary>
    public double MinSnrGamma { get; init; } = 5;

    /// <summary>How training timesteps are drawn.</summary>
    public TimestepSampling TimestepSampling { get; init; }

    /// <summary>The share of labels dropped while training, for classifier-free guidance.</summary>
    public double LabelDropout { get; init; } = 0.1;

    /// <summary>A configuration whose process is the given one: by the name of its schedule where it has one, else by its betas.</summary>
    /// <exception cref="ConfigurationException">A process that does not preserve variance: files have no name for it.</exception>
    public static DiffusionConfig Of(DiffusionProcess process)
    {
        var schedule = process.Schedule;
        if (!schedule.Levels.ToArray().All(level => level.Variance == 1))
        {
            throw new ConfigurationException("The process does not preserve variance (α² + σ² = 1), and files have no name for such a one.");
        }
        var named = new DiffusionConfig { Timesteps = schedule.Steps, Prediction = process.Prediction };
        foreach (var formula in Enum.GetValues<BetaSchedule>())
        {
            if (schedule.Betas.SequenceEqual(NoiseSchedule.Of(formula, schedule.Steps).Betas))
            {
                return named with { BetaSchedule = formula };
            }
        }
        return named with { TrainedBetas = schedule.Betas.ToArray() };
    }

    /// <summary>The process that this describes.</summary>
    /// <exception cref="ConfigurationException">Numbers that make no schedule: see <see cref="Check"/>.</exception>
    public DiffusionProcess Process()
    {
        var schedule = TrainedBetas is { } betas ? NoiseSchedule.FromBetas([.. betas]) : NoiseSchedule.Of(BetaSchedule, Timesteps, BetaStart, BetaEnd);
        return new DiffusionProcess(RescaleZeroSnr ? schedule.RescaleZeroTerminalSnr() : schedule, Prediction);
    }

    /// <summary>Notes everything that is wrong.</summary>
    public void Check(ConfigurationRules rules)
    {
        rules.AtLeast("diffusion.timesteps", Timesteps, 1);
        rules.Require(BetaStart is > 0 and < 1, "diffusion.beta_start", BetaStart, "between 0 and 1");
        rules.Require(BetaEnd is > 0 and < 1, "diffusion.beta_end", BetaEnd, "between 0 and 1");
        rules.Require(!(BetaStart > BetaEnd), "diffusion.beta_start", BetaStart, $"at most diffusion.beta_end, which is {ConfigurationRules.Show(BetaEnd)}");
        rules.Require(MinSnrGamma > 0 && double.IsFinite(MinSnrGamma), "diffusion.min_snr_gamma", MinSnrGamma, "above 0");
        rules.Require(LabelDropout is >= 0 and <= 1, "diffusion.label_dropout", LabelDropout, "from 0 to 1");
        if (TrainedBetas is { } betas)
        {
            rules.Require(betas.Count == Timesteps, "diffusion.trained_betas", $"a list of {betas.Count}", $"a list of as many as diffusion.timesteps, which is {Timesteps}");
            rules.Require(betas.All(beta => beta is > 0 and <= 1), "diffusion.trained_betas", "not all", "above 0 and at most 1 throughout");
        }
        rules.Require(
            !RescaleZeroSnr || Prediction != Prediction.Epsilon, "diffusion.rescale_zero_snr", "true with diffusion.prediction epsilon",
            "used with v_prediction or sample: at the last timestep there is no signal, so its noise says nothing about the image");
    }
}
