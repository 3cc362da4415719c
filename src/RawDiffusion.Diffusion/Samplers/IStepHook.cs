namespace RawDiffusion.Diffusion;

/// <summary>
/// What leans a sampler's steps towards something it does not know of: known pixels, a classifier, a condition. Device work only, recorded
/// with the step. Hooks are called in their order; numbers that change from step to step come from columns added to the table
/// (<see cref="StepTable.With"/>).
/// </summary>
public interface IStepHook
{
    /// <summary>Before the network is asked; may change x.</summary>
    void BeforeNetwork(SamplingStep s)
    {
    }

    /// <summary>Between estimate and advance; may change x̂_0 and x.</summary>
    void AfterEstimate(SamplingStep s)
    {
    }
}
