using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>How images are drawn from the model: the section <c>sampling</c> of a run's configuration.</summary>
public sealed record SamplingConfig
{
    /// <summary>Which sampler.</summary>
    public SamplerName Sampler { get; init; } = SamplerName.Ddim;

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Which of the timesteps; null for what is usual with the sampler.</summary>
    public TimestepSpacing? Spacing { get; init; }

    /// <summary>Added to every timestep of leading spacing, as diffusers' <c>steps_offset</c> is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int StepsOffset { get; init; }

    /// <summary>Whether the last step stops at the noise level of timestep 0 instead of going to the data: diffusers' <c>set_alpha_to_one: false</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool StopAtFirst { get; init; }

    /// <summary>DDIM's η: 0 is deterministic, 1 is ancestral.</summary>
    public double Eta { get; init; }

    /// <summary>The ancestral sampler's variance.</summary>
    public ReverseVariance Variance { get; init; } = ReverseVariance.FixedLarge;

    /// <summary>How far from 0 x̂0 may be: true for 1, false for any distance, or a number.</summary>
    public ClipRange Clip { get; init; } = ClipRange.On;

    /// <summary>The scale s of classifier-free guidance: 1 is the plain conditional model.</summary>
    public double Guidance { get; init; } = 1;

    /// <summary>Images of a grid drawn while training.</summary>
    public int Count { get; init; } = 36;

    /// <summary>The samplers that look at <see cref="Eta"/>.</summary>
    public static IReadOnlyList<SamplerName> WithEta { get; } = [SamplerName.Ddim];

    /// <summary>The samplers that look at <see cref="Variance"/>.</summary>
    public static IReadOnlyList<SamplerName> WithVariance { get; } = [SamplerName.Ddpm];

    /// <summary>Which of the timesteps: as asked for, or what is usual with the sampler.</summary>
    [JsonIgnore]
    public TimestepSpacing UsedSpacing => Create().Spacing;

    /// <summary>The sampler that this describes.</summary>
    public SpacedSampler Create()
    {
        SpacedSampler sampler = Sampler switch
        {
            SamplerName.Ddpm => Samplers.Ddpm(Steps, Variance),
            SamplerName.Ddim => Samplers.Ddim(Steps, Eta),
            SamplerName.DpmSolver2M => Samplers.DpmSolver2M(Steps),
            SamplerName.Plms => Samplers.Plms(Steps),
            _ => throw new InvalidOperationException($"no sampler is made of the name {Sampler}"),
        };
        return sampler with { Clip = Clip.Bound, Spacing = Spacing ?? sampler.Spacing, StepsOffset = StepsOffset, StopAtFirst = StopAtFirst };
    }

    /// <summary>Notes everything that is wrong.</summary>
    /// <param name="rules">Where to.</param>
    /// <param name="timesteps">The process's T, as the configuration has it.</param>
    public void Check(ConfigurationRules rules, int timesteps)
    {
        rules.Require(Steps >= 1 && (timesteps < 1 || Steps <= timesteps), "sampling.steps", Steps, $"from 1 to diffusion.timesteps, which is {timesteps}");
        rules.Require(Eta is >= 0 and <= 1, "sampling.eta", Eta, "from 0 to 1");
        rules.Require(Clip.Bound > 0, "sampling.clip", Clip, "true, false or a number above 0");
        rules.AtLeast("sampling.steps_offset", StepsOffset, 0);
        rules.Require(double.IsFinite(Guidance) && Guidance >= 0, "sampling.guidance", Guidance, "a finite number of at least 0");
        rules.AtLeast("sampling.count", Count, 1);
    }
}
