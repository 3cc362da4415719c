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
    /// <returns>The samples, like x_T, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">Noise for another number of steps, or a denoiser that answers in another shape.</exception>
    public static Tensor Run(
        SamplerPlan plan, Denoiser denoiser, Tensor start, ulong seed, int firstSample = 0, IReadOnlyList<Tensor>? noise = null, SamplerObserver? observer = null)
    {
        int count = plan.Steps.Length, samples = start.Shape.N;
        if (noise is not null && noise.Count != count)
        {
            throw new ArgumentException($"the plan has {count} steps, but noise is given for {noise.Count}");
        }
        var device = start.Device;
        using var coefficients = plan.UploadCoefficients(device);
        using var timesteps = plan.UploadTimesteps(device, samples);
        using var positions = plan.UploadPositions(device, firstSample);
        using var x0A = observer is not null || plan.IsMultistep ? new Tensor(device, start.Shape, name: "x̂0") : null;
        using var x0B = plan.IsMultistep ? new Tensor(device, start.Shape, name: "x̂0") : null;
        var (x0, previousX0) = (x0A, x0B);
        var x = new Tensor(device, start.Shape, name: "x").CopyFrom(start);
        try
        {
            for (int i = 0; i < count; i++)
            {
                using var output = denoiser(x, timesteps.Slice((long)i * samples, new Shape(samples)));
                if (output.Shape != x.Shape)
                {
                    throw new ArgumentException($"the denoiser should answer in the shape of {x}, but it returned {output}");
                }
                device.DenoiseUpdate(
                    x, output, i == 0 ? null : previousX0,
                    coefficients.Slice((long)i * SamplerStep.CoefficientCount, new Shape(SamplerStep.CoefficientCount)),
                    noise?[i],
                    new RandomStream(seed, RandomPurpose.SamplingStep, positions.Slice(2L * i, new Shape(2))),
                    x0, x);
                x.MarkWritten();
                x0?.MarkWritten();
                observer?.Invoke(i, x, x0!);
                if (plan.IsMultistep)
                {
                    (x0, previousX0) = (previousX0, x0);
                }
            }
            return x;
        }
        catch
        {
            x.Dispose();
            throw;
        }
    }
}
