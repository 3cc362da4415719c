namespace RawDiffusion.Diffusion;

/// <summary>Chooses a training timestep for each sample of a batch.</summary>
/// <param name="step">Where the training step stands; a choice is to depend on nothing else.</param>
/// <param name="scheduleSteps">T.</param>
/// <param name="timesteps">Takes one timestep within 0..T−1 for each sample.</param>
public delegate void TimestepDraw(in StepNumbers step, int scheduleSteps, Span<int> timesteps);
