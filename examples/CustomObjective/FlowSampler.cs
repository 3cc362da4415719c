using RawDiffusion.Diffusion;

namespace CustomObjective;

/// <summary>Follows the learned velocity from noise (s = 1) to an image (s = 0) by Euler's method. First order; an evaluation a step.</summary>
/// <param name="Steps">How many.</param>
internal sealed record FlowSampler(int Steps) : Sampler
{
    public override StepTable Plan(DiffusionProcess process) => new([.. Enumerable.Range(0, Steps).Select(Row)]);

    private StepRow Row(int i)
    {
        double s = 1 - (double)i / Steps, next = 1 - (i + 1.0) / Steps;
        return new StepRow
        {
            Timestep = s * FlowObjective.TimestepScale,
            // x̂_0 = x − s·velocity
            P = 1,
            Q = -s,
            Clip = 1,
            // x − (s − next)·(x − x̂_0)/s
            U = next / s,
            V = 1 - next / s,
        };
    }
}
