namespace RawDiffusion.Diffusion;

/// <summary>The samplers by the names that files and papers have for them; what else they can be told is set with <c>with { … }</c>.</summary>
public static class Samplers
{
    /// <summary>Ancestral sampling: <see cref="AncestralSampler"/>.</summary>
    /// <param name="steps">S, within 1..T.</param>
    /// <param name="variance">The variance of the reverse process.</param>
    public static AncestralSampler Ddpm(int steps = 1000, ReverseVariance variance = ReverseVariance.FixedLarge) => new() { Steps = steps, Variance = variance };

    /// <summary>DDIM: <see cref="DdimSampler"/>.</summary>
    /// <param name="steps">S, within 1..T.</param>
    /// <param name="eta">η, within 0..1.</param>
    public static DdimSampler Ddim(int steps = 50, double eta = 0) => new() { Steps = steps, Eta = eta };

    /// <summary>DPM-Solver++(2M): <see cref="DpmSolver2MSampler"/>.</summary>
    /// <param name="steps">S, within 1..T.</param>
    public static DpmSolver2MSampler DpmSolver2M(int steps = 20) => new() { Steps = steps };

    /// <summary>PLMS: <see cref="PlmsSampler"/>.</summary>
    /// <param name="steps">S, within 1..T.</param>
    public static PlmsSampler Plms(int steps = 50) => new() { Steps = steps };
}
