using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>How images are drawn from the model: the section <c>sampling</c> of a run's configuration.</summary>
public sealed record SamplingConfig
{
    /// <summary>Which sampler.</summary>
    public SamplerName Sampler { get; init; } = SamplerName.Ddim;

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>DDIM's η: 0 is deterministic, 1 is ancestral.</summary>
    public double Eta { get; init; }

    /// <summary>The ancestral sampler's variance.</summary>
    public ReverseVariance Variance { get; init; } = ReverseVariance.FixedLarge;

    /// <summary>Whether x̂0 is clipped to [−1, 1].</summary>
    public bool Clip { get; init; } = true;

    /// <summary>The scale s of classifier-free guidance: 1 is the plain conditional model.</summary>
    public double Guidance { get; init; } = 1;

    /// <summary>Images of a grid drawn while training.</summary>
    public int Count { get; init; } = 36;

    /// <summary>The steps that this describes.</summary>
    /// <param name="process">The process that the network was trained for.</param>
    /// <exception cref="ConfigurationException">A number out of range: see <see cref="Check"/>.</exception>
    public SamplerPlan Plan(DiffusionProcess process)
    {
        double clip = Clip ? 1 : double.PositiveInfinity;
        return Sampler switch
        {
            SamplerName.Ddpm => AncestralSampler.Plan(process, Steps, Variance, clip),
            SamplerName.Ddim => DdimSampler.Plan(process, Steps, Eta, clip),
            SamplerName.DpmSolver2M => DpmSolverSampler.Plan(process, Steps, clip),
            _ => throw new InvalidOperationException($"no plan is made for the sampler {Sampler}"),
        };
    }

    /// <summary>Notes everything that is wrong.</summary>
    /// <param name="rules">Where to.</param>
    /// <param name="timesteps">The process's T, as the configuration has it.</param>
    public void Check(ConfigurationRules rules, int timesteps)
    {
        rules.Require(Steps >= 1 && (timesteps < 1 || Steps <= timesteps), "sampling.steps", Steps, $"from 1 to diffusion.timesteps, which is {timesteps}");
        rules.Require(Eta is >= 0 and <= 1, "sampling.eta", Eta, "from 0 to 1");
        rules.Require(double.IsFinite(Guidance) && Guidance >= 0, "sampling.guidance", Guidance, "a finite number of at least 0");
        rules.AtLeast("sampling.count", Count, 1);
    }
}
