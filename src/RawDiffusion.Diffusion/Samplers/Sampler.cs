using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// A way from noise to data: a table of numbers, worked out beforehand in double precision, and what the device does in one step with a row
/// of it. <see cref="SamplingLoop"/> carries it out.
/// </summary>
public abstract record Sampler
{
    /// <summary>How many tensors are kept from step to step: see <see cref="SamplingStep.Remember"/>.</summary>
    public virtual int History => 0;

    /// <summary>The steps over a process.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <exception cref="ConfigurationException">An option out of range, or a timestep that the prediction cannot be sampled from.</exception>
    public abstract StepTable Plan(DiffusionProcess process);

    /// <summary>
    /// What is done in a step that asks the network; a step that does not is <see cref="SamplingStep.Advance"/> alone. Device work only, and
    /// the same each time: a GPU records it once and replays it for all steps and batches. Here: x̂_0 from one answer, and on.
    /// </summary>
    /// <param name="s">Where the step's tensors and numbers are.</param>
    public virtual void Step(SamplingStep s)
    {
        using var output = s.Denoise();
        s.Update(output);
    }
}

/// <summary>Watches a sampler work, on the host. The tensors are the sampler's own and change with the next step.</summary>
/// <param name="step">The step's place in the table, from 0.</param>
/// <param name="x">x after the step.</param>
/// <param name="x0">x̂_0, what the step took the data to be.</param>
public delegate void StepObserver(int step, Tensor x, Tensor x0);
