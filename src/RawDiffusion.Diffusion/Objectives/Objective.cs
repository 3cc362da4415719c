using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// What training minimises: everything of a training step that depends on the method. A step has the objective prepare its numbers on the
/// host, then runs, or replays, its forward pass on the device; backward pass and optimizer are the same for every objective. The network is
/// a delegate, so an objective knows no architecture.
/// </summary>
public abstract class Objective : IDisposable
{
    /// <summary>
    /// Draws what is random in a step (timesteps, dropped labels) and uploads what it asks of the device (coefficients, weights) into
    /// tensors that stay where they are. Called before every step, outside of what a device records.
    /// </summary>
    /// <param name="step">Where the step stands. Every number drawn is to be a function of seed, step and a sample's place in the whole batch.</param>
    /// <exception cref="DataException">The batch's labels are not what the objective needs.</exception>
    public abstract void Prepare(in StepNumbers step);

    /// <summary>
    /// The forward pass. A device may record it once and replay it, so it does the same work each time, on tensors that outlive it or that
    /// the tape makes, and reads nothing back.
    /// </summary>
    /// <param name="tape">Runs the ops, recording, and owns what they make.</param>
    /// <param name="batch">The batch on the device.</param>
    /// <returns>Named scalars, of which the first is minimised.</returns>
    public abstract Losses Forward(Tape tape, in TrainingBatch batch);

    /// <summary>Frees what the objective has on the device, not the network. To be called after the step that uses it is disposed.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}
