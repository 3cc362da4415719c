using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>Watches a sampler work. The tensors are the sampler's own and change with the next step.</summary>
/// <param name="step">The step's place in the plan, from 0.</param>
/// <param name="x">x after the step.</param>
/// <param name="x0">x̂_0, what the step took the data to be.</param>
public delegate void SamplerObserver(int step, Tensor x, Tensor x0);

/// <summary>
/// Carries a sampler's plan out on a device. Sample i depends on the seed and on i alone: not on the batch it is drawn in, nor on the device.
/// </summary>
public static class Sampler
{
    /// <summary>The start x_T: standard normal noise.</summary>
    /// <param name="device">Where.</param>
    /// <param name="shape">[N, …].</param>
    /// <param name="seed">The seed of all samples.</param>
    /// <param name="firstSample">The index of the batch's first sample.</param>
    /// <returns>x_T, which the caller disposes.</returns>
    public static Tensor SampleStart(Device device, Shape shape, ulong seed, int firstSample = 0)
    {
        using var position = new Tensor(device, new Shape(2), DType.Int32, "position").Upload([0, firstSample]);
        var start = new Tensor(device, shape, name: "x_T");
        device.FillNormal(start, new RandomStream(seed, RandomPurpose.SamplingStart, position));
        start.MarkWritten();
        return start;
    }

    /// <summary>
    /// Samples. The noise of a step is drawn at the step's place in the plan, counted from 0, not at its timestep: a plan may visit a timestep
    /// more than once.
    /// </summary>
    /// <param name="plan">The steps.</param>
    /// <param name="denoiser">The network.</param>
    /// <param name="start">x_T, [N, …]; stays as it is.</param>
    /// <param name="seed">The seed of all samples.</param>
    /// <param name="firstSample">The index of the batch's first sample.</param>
    /// <param name="noise">z for each step, like x_T, instead of drawing it.</param>
    /// <param name="observer">Called after each step.</param>
    /// <param name="replay">
    /// Whether the device may record one step and replay it (<see cref="Device.Record"/>): the denoiser must then have no state of its own on
    /// the host. Not done with noise given.
    /// </param>
    /// <returns>The samples, like x_T, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">Noise for another number of steps, or a denoiser that answers in another shape.</exception>
    public static Tensor Run(
        SamplerPlan plan, Denoiser denoiser, Tensor start, ulong seed, int firstSample = 0, IReadOnlyList<Tensor>? noise = null, SamplerObserver? observer = null,
        bool replay = false)
    {
        int count = plan.Steps.Length, samples = start.Shape.N;
        if (noise is not null && noise.Count != count)
        {
            throw new ArgumentException($"the plan has {count} steps, but noise is given for {noise.Count}");
        }
        var device = start.Device;
        using var table = new StepTable(plan, device, samples, firstSample);
        // A multistep plan's x̂0 takes the place of the one before, which counts as zero in the first step.
        using var x0 = observer is not null || plan.IsMultistep ? new Tensor(device, start.Shape, name: "x̂0").Clear() : null;
        var previousX0 = plan.IsMultistep ? x0 : null;
        var stream = new RandomStream(seed, RandomPurpose.SamplingStep, table.Position);
        var x = new Tensor(device, start.Shape, name: "x").CopyFrom(start);

        void Step(Tensor? z)
        {
            using var output = denoiser(x, table.Timesteps);
            if (output.Shape != x.Shape)
            {
                throw new ArgumentException($"the denoiser should answer in the shape of {x}, but it returned {output}");
            }
            device.DenoiseUpdate(x, output, previousX0, table.Coefficients, z, stream, x0, x);
        }

        try
        {
            using var recorded = replay && noise is null ? device.Record(() => Step(null)) : null;
            for (int i = 0; i < count; i++)
            {
                table.MoveTo(i);
                if (recorded is not null)
                {
                    recorded.Launch();
                }
                else
                {
                    Step(noise?[i]);
                }
                x.MarkWritten();
                x0?.MarkWritten();
                observer?.Invoke(i, x, x0!);
            }
            return x;
        }
        catch
        {
            x.Dispose();
            throw;
        }
    }

    /// <summary>A plan's numbers on a device, and those of the step at hand in tensors that stay where they are.</summary>
    private sealed class StepTable : IDisposable
    {
        private readonly Tensor? _coefficients, _timesteps, _positions;

        public StepTable(SamplerPlan plan, Device device, int samples, int firstSample)
        {
            try
            {
                _coefficients = plan.UploadCoefficients(device);
                _timesteps = plan.UploadTimesteps(device, samples);
                _positions = plan.UploadPositions(device, firstSample);
                Coefficients = new Tensor(device, new Shape(SamplerStep.CoefficientCount), name: "the step's coefficients");
                Timesteps = new Tensor(device, new Shape(samples), name: "the step's timesteps");
                Position = new Tensor(device, new Shape(2), DType.Int32, "the step's noise position");
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        /// <summary>[7].</summary>
        public Tensor Coefficients { get; }

        /// <summary>[N].</summary>
        public Tensor Timesteps { get; }

        /// <summary>Int32 [2].</summary>
        public Tensor Position { get; }

        public void MoveTo(int step)
        {
            Coefficients.CopyFrom(_coefficients!.Slice((long)step * SamplerStep.CoefficientCount, Coefficients.Shape));
            Timesteps.CopyFrom(_timesteps!.Slice((long)step * Timesteps.Shape.N, Timesteps.Shape));
            Position.CopyFrom(_positions!.Slice(2L * step, Position.Shape));
        }

        public void Dispose()
        {
            foreach (var tensor in (Tensor?[])[_coefficients, _timesteps, _positions, Coefficients, Timesteps, Position])
            {
                tensor?.Dispose();
            }
        }
    }
}
